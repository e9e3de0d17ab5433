"""The fake provider keeps its promises to the other tests."""

import socket

import requests

GEMINI = "/v1beta/models/any:streamGenerateContent?alt=sse"
OPENAI = "/v1/chat/completions"


def test_frames_fit_the_api_that_was_asked(fake):
    fake.script({"steps": [{"text": "안녕"}, {"finish": "STOP"}, {"done": True}]})
    gemini = requests.post(fake.url + GEMINI, json={}, timeout=60).content.decode()
    assert gemini.count("\r\n\r\n") == 2
    assert "\n" not in gemini.replace("\r\n", "")
    assert '"finishReason": "STOP"' in gemini
    openai = requests.post(fake.url + OPENAI, json={"stream": True}, timeout=60).content.decode()
    assert "\r" not in openai
    assert '"finish_reason":"stop"' in openai
    assert openai.endswith("data: [DONE]\n\n")
    unary = requests.post(fake.url + OPENAI, json={"stream": False}, timeout=60).json()
    assert unary["choices"][0]["message"]["content"] == "안녕"


def test_a_client_that_leaves_is_noticed_while_the_fake_waits(fake):
    fake.script({"steps": [{"text": "안녕"}, {"await": "step"}, {"text": "없음"}]})
    with socket.create_connection(("127.0.0.1", fake.port), timeout=60) as client:
        client.sendall(f"POST {GEMINI} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert fake.wait(waiting=1)["open"] == 1
    (request,) = fake.wait(cancelled=1, open=0)["requests"]
    assert (request["outcome"], request["step"]) == ("cancelled", 1)


def test_a_client_that_stops_reading_stops_the_fake(fake):
    fake.script({"steps": [{"text": "가" * 1000, "repeat": -1}]})
    with socket.create_connection(("127.0.0.1", fake.port), timeout=60) as client:
        client.sendall(f"POST {GEMINI} HTTP/1.1\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        assert client.recv(1)
    assert fake.wait(cancelled=1, open=0)["requests"][0]["bytes_sent"] > 0


def test_a_list_is_played_once_each(fake):
    fake.script([{"status": 503, "body": "no"}, {"status": 429, "body": "slow"}])
    codes = [requests.post(fake.url + OPENAI, json={}, timeout=60).status_code for _ in range(3)]
    assert codes == [503, 429, 200]


def test_a_misspelt_script_is_refused(fake):
    response = requests.put(fake.url + "/_fake/script", json={"steps": [{"txet": "a"}]}, timeout=60)
    assert response.status_code == 400
    assert "txet" in response.json()["error"]


def test_health_says_what_it_is_told(fake):
    assert requests.get(f"{fake.url}/health", timeout=60).status_code == 200
    fake.health({"status": 503, "body": {"error": {"code": 503, "message": "Loading model"}}})
    assert requests.get(f"{fake.url}/health", timeout=60).status_code == 503
