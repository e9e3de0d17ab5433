"""What a browser asks, and what a page from elsewhere must not get."""

import pytest
import requests

from configuration import write_configuration
from processes import LunaServer

ORIGIN = "https://app.example"
SCRIPT = {"steps": [{"text": "하나"}, {"finish": "STOP"}, {"done": True}]}
SERVER = f"{{cors_origins: ['{ORIGIN}'], hosts: [luna.example]}}"
PATHS = ("/interact/stream", "/interact", "/generate/stream", "/generate")


@pytest.fixture(scope="module")
def open_luna(tmp_path_factory, fake_process):
    """A server that the pages of ORIGIN may call, also under the name luna.example."""
    folder = tmp_path_factory.mktemp("open")
    server = LunaServer(
        write_configuration(folder, fake_process.url, fake_process.url, server=SERVER)
    )
    yield server
    server.stop()


def post(luna, path, **headers):
    return requests.post(luna.url + path, json={"input": "안녕"}, headers=headers, timeout=60)


def check_denied(response, word):
    assert response.status_code == 403
    assert response.json()["details"][0]["reason"] == "PERMISSION_DENIED"
    assert word in response.json()["message"]
    assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_a_listed_origin_may_call_and_read(open_luna, fake, path):
    fake.script(SCRIPT)
    preflight = requests.options(
        open_luna.url + path,
        headers={
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
        timeout=60,
    )
    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert preflight.headers["Access-Control-Allow-Methods"] == "POST"
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]

    response = post(open_luna, path, Origin=ORIGIN)
    assert response.status_code == 200
    assert "하나" in response.content.decode()
    assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("server", ("luna", "open_luna"))
def test_a_page_of_another_origin_is_403_and_asks_no_model(request, fake, server, path):
    luna = request.getfixturevalue(server)
    check_denied(post(luna, path, Origin="https://evil.example"), "server.cors_origins")
    assert fake.state()["seen"] == 0


@pytest.mark.parametrize("path", ("/health", *PATHS))
def test_a_foreign_host_is_403(luna, fake, path):
    check_denied(post(luna, path, Host="evil.example"), "server.hosts")
    assert fake.state()["seen"] == 0


def test_a_listed_host_is_taken(open_luna, fake):
    fake.script(SCRIPT)
    assert post(open_luna, "/interact", Host="luna.example").status_code == 200
