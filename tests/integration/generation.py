"""One request straight to a model, by every way there is, its answer in one form."""

import json
from dataclasses import dataclass, field

import grpc
import requests
import sseclient
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2, status_pb2

# OpenAI's words for luna's.
FINISH = {"STOP": "stop", "MAX_TOKENS": "length"}
CODES = {
    "INVALID_INPUT": "invalid_value",
    "INPUT_TOO_LARGE": "context_length_exceeded",
    "UNKNOWN_TARGET": "model_not_found",
    "CONTENT_BLOCKED": "content_filter",
    "OVERLOADED": "rate_limit_exceeded",
    "UPSTREAM_QUOTA": "rate_limit_exceeded",
}


@dataclass
class Answer:
    """`chunks`: as they came; one, where it came whole. `finish`: the finish reason. `models`: what
    answered, of every chunk.

    Of a failed one: `status`: of HTTP, or the name of gRPC's; `code`: luna's reason, or OpenAI's
    code, or nothing where the form has none; `message`; `headers`: of HTTP.

    `ends`: how many ends were told: a finish reason or an error. `done`: whether [DONE] came."""

    chunks: list = field(default_factory=list)
    finish: str | None = None
    models: list = field(default_factory=list)
    usage: dict | None = None
    status: int | str = "OK"
    code: str | None = None
    message: str = ""
    headers: dict = field(default_factory=dict)
    ends: int = 0
    done: bool = False

    @property
    def text(self):
        return "".join(self.chunks)

    def take(self, chunk):
        """A chunk of OpenAI's form, as JSON."""
        if "error" in chunk:
            self.fail(chunk["error"])
            return
        if chunk.get("usage"):
            self.usage = chunk["usage"]
        for choice in chunk["choices"]:
            assert not self.ends, chunk
            content = choice["delta"].get("content", "")
            if content:
                self.chunks.append(content)
            self.models.append(chunk["model"])
            if choice["finish_reason"]:
                self.end(choice["finish_reason"])

    def end(self, finish):
        self.finish = finish
        self.ends += 1

    def fail(self, error):
        self.ends += 1
        if isinstance(error, str):
            self.message = error
        else:
            assert set(error) == {"message", "type", "param", "code"}
            self.code, self.message = error["code"], error["message"]


def as_chat(request):
    """A GenerateRequest's fields in OpenAI's form."""
    chat = dict(request)
    if "input" in chat:
        chat["messages"] = [{"role": "user", "content": chat.pop("input")}]
    if "target" in chat:
        chat["model"] = chat.pop("target")
    return chat


def post(server, path, body, stream=False, **headers):
    return requests.post(server.url + path, json=body, headers=headers, stream=stream, timeout=(5, 60))


def read_sse(response, on_chunk):
    answer = Answer(status=response.status_code, headers=response.headers)
    if response.status_code != 200:
        refused(answer, response)
        return answer
    assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    for event in sseclient.SSEClient(response).events():
        assert not answer.done
        if event.data == "[DONE]":
            answer.done = True
        else:
            answer.take(json.loads(event.data))
            if answer.chunks:
                on_chunk()
    return answer


def refused(answer, response):
    body = response.json()
    if "error" in body:
        answer.fail(body["error"])
    else:
        answer.ends += 1
        answer.code, answer.message = body["details"][0]["reason"], body["message"]


def stream_generate(server, _stub, _messages, request, on_chunk=lambda: None, **headers):
    with post(server, "/generate/stream", request, stream=True, **headers) as response:
        return read_sse(response, on_chunk)


def stream_chat(server, _stub, _messages, request, on_chunk=lambda: None, **headers):
    body = as_chat(request) | {"stream": True, "stream_options": {"include_usage": True}}
    with post(server, "/v1/chat/completions", body, stream=True, **headers) as response:
        answer = read_sse(response, on_chunk)
    assert answer.done == bool(answer.finish)
    return answer


def stream_grpc(_server, stub, messages, request, on_chunk=lambda: None, timeout=60):
    answer = Answer()
    call = stub.GenerateStream(ParseDict(request, messages.GenerateStreamRequest()), timeout=timeout)
    try:
        for part in call:
            (choice,) = part.choices
            assert not answer.ends
            if choice.delta.content:
                answer.chunks.append(choice.delta.content)
                on_chunk()
            answer.models.append(part.model)
            if choice.HasField("finish_reason"):
                answer.end(choice.finish_reason)
                answer.usage = usage_of(part.usage)
    except grpc.RpcError as error:
        grpc_failed(answer, error)
    return answer


def usage_of(usage):
    return {
        name: getattr(usage, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")
    }


def grpc_failed(answer, error):
    answer.ends += 1
    answer.status, answer.message = error.code().name, error.details()
    metadata = dict(error.trailing_metadata())
    if "grpc-status-details-bin" in metadata:
        info = error_details_pb2.ErrorInfo()
        status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
        assert status.details[0].Unpack(info)
        answer.code = info.reason


def generate(server, _stub, _messages, request, **headers):
    response = post(server, "/generate", request, **headers)
    answer = Answer(status=response.status_code, headers=response.headers)
    if response.status_code == 200:
        body = response.json()
        answer.chunks, answer.models = [body["content"]], [body["model"]]
        answer.end(body["finish_reason"])
        answer.usage = body["usage"]
    else:
        refused(answer, response)
    return answer


def chat(server, _stub, _messages, request, **headers):
    response = post(server, "/v1/chat/completions", as_chat(request), **headers)
    answer = Answer(status=response.status_code, headers=response.headers)
    if response.status_code == 200:
        body = response.json()
        (choice,) = body["choices"]
        assert choice["message"]["role"] == "assistant"
        answer.chunks, answer.models = [choice["message"]["content"]], [body["model"]]
        answer.end(choice["finish_reason"])
        answer.usage = body["usage"]
    else:
        refused(answer, response)
    return answer


def generate_grpc(_server, stub, messages, request, timeout=60):
    answer = Answer()
    try:
        response = stub.Generate(ParseDict(request, messages.GenerateRequest()), timeout=timeout)
        answer.chunks, answer.models = [response.content], [response.model]
        answer.end(response.finish_reason)
        answer.usage = usage_of(response.usage)
    except grpc.RpcError as error:
        grpc_failed(answer, error)
    return answer


STREAMS = {"generate": stream_generate, "chat": stream_chat, "grpc": stream_grpc}
WHOLE = {"generate": generate, "chat": chat, "grpc": generate_grpc}
