"""POST /interact and Answer: the same story without the stream."""

import grpc
import pytest
import requests
from google.protobuf.json_format import MessageToDict, ParseDict

from behaviours import BROKEN, COMPLETE, REFUSED
from rows import ANSWER, APIS, CONTRACT
from transports import ANSWER_ONLY

def rows(table):
    fit = [row for row in table if not row.streams_only]
    return pytest.mark.parametrize(
        "api, behaviour", [(api, row) for row in fit for api in row.apis], ids=str
    )


def request_for(api, behaviour=None):
    target = behaviour.target.format(api=api) if behaviour else api
    return {"input": "안녕하세요?", "target": target, "features": ANSWER_ONLY}


def prepare(fake, api, behaviour):
    if behaviour.script:
        fake.script(behaviour.script_for(api))
    fake.step()


def answer(stub, stubs, request):
    return stub.Answer(ParseDict(request, stubs.messages.AnswerRequest()), timeout=60)


@rows(COMPLETE)
def test_answers_over_http(luna, fake, api, behaviour):
    prepare(fake, api, behaviour)
    response = requests.post(f"{luna.url}/interact", json=request_for(api, behaviour), timeout=60)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert body["text"] == behaviour.text
    assert body["model"] == "fake-1"
    assert body["cached"] is False
    assert body["remembered"] is False
    assert body["emotion"] == ""
    assert body["translation"] == ""
    assert body["usage"]["total_tokens"] == 7 + body["usage"]["completion_tokens"]


@rows(COMPLETE)
def test_answers_over_grpc_as_over_http(luna, fake, interaction, stubs, api, behaviour):
    prepare(fake, api, behaviour)
    request = request_for(api, behaviour)
    message = answer(interaction, stubs, request)
    assert message.text == behaviour.text
    over_grpc = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    assert requests.post(f"{luna.url}/interact", json=request, timeout=60).json() == over_grpc


@rows(REFUSED + BROKEN)
def test_fails_over_http_with_a_status(luna, fake, api, behaviour):
    prepare(fake, api, behaviour)
    response = requests.post(f"{luna.url}/interact", json=request_for(api, behaviour), timeout=60)
    body = response.json()
    assert body["details"][0]["reason"] == behaviour.error
    assert response.status_code == CONTRACT[behaviour.error][1]
    assert body["code"] == getattr(grpc.StatusCode, CONTRACT[behaviour.error][0]).value[0]
    assert behaviour.words_for(api) in body["message"]


@rows(REFUSED + BROKEN)
def test_fails_over_grpc_with_a_status(fake, interaction, stubs, api, behaviour):
    prepare(fake, api, behaviour)
    with pytest.raises(grpc.RpcError) as failure:
        answer(interaction, stubs, request_for(api, behaviour))
    assert failure.value.code().name == CONTRACT[behaviour.error][0]
    assert behaviour.words_for(api) in failure.value.details()


def test_a_target_that_does_not_stream_answers(luna, fake):
    fake.script({"steps": [{"text": ANSWER}, {"finish": "STOP"}]})
    request = {"input": "안녕", "target": "still"}
    response = requests.post(f"{luna.url}/interact", json=request, timeout=60)
    assert response.json()["text"] == ANSWER


@pytest.mark.parametrize("api", APIS)
def test_asks_the_provider_without_a_stream(luna, fake, api):
    requests.post(f"{luna.url}/interact", json=request_for(api), timeout=60)
    (request,) = fake.requests()
    if api == "gemini":
        assert request["path"] == "/v1beta/models/gemini-2.5-flash:generateContent"
    else:
        assert '"stream":true' not in request["body"].replace(" ", "")
