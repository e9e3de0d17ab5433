"""What luna asks the providers for."""

import json

import pytest
import requests

from configuration import PERSONA
from transports import ANSWER_ONLY


def asked(luna, fake, target):
    request = {"input": '따옴표 "와" \n 줄', "target": target, "features": ANSWER_ONLY}
    requests.post(f"{luna.url}/interact/stream", json=request, timeout=60)
    (seen,) = fake.requests()
    return seen, json.loads(seen["body"])


def test_asks_gemini(luna, fake):
    request, body = asked(luna, fake, "gemini")
    assert request["method"] == "POST"
    model = "/v1beta/models/gemini-2.5-flash"
    assert request["path"] == f"{model}:streamGenerateContent?alt=sse"
    assert request["headers"]["x-goog-api-key"] == "the-test-key"
    assert request["headers"]["content-type"] == "application/json"
    assert body["systemInstruction"]["parts"] == [{"text": PERSONA}]
    assert body["contents"] == [{"role": "user", "parts": [{"text": '따옴표 "와" \n 줄'}]}]
    assert body["generationConfig"] == {
        "temperature": 0.85,
        "topP": 0.95,
        "maxOutputTokens": 1024,
        "thinkingConfig": {"thinkingBudget": 0},
    }


def test_asks_a_server(luna, fake):
    request, body = asked(luna, fake, "openai")
    assert request["method"] == "POST"
    assert request["path"] == "/v1/chat/completions"
    assert "authorization" not in request["headers"]
    assert body["model"] == "Luna"
    assert body["stream"] is True
    assert body["messages"] == [
        {"role": "system", "content": PERSONA},
        {"role": "user", "content": '따옴표 "와" \n 줄'},
    ]
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.85, 0.95, 1024)


def test_sends_no_expect(luna, fake):
    request, _ = asked(luna, fake, "openai")
    assert "expect" not in request["headers"]


@pytest.mark.parametrize("target", ("gemini", "openai"))
def test_the_model_is_asked_once(luna, fake, target):
    asked(luna, fake, target)
    assert fake.wait(finished=1, open=0)["seen"] == 1
