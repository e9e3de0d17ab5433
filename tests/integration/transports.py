"""One request over either transport, its events in one form."""

import json
from dataclasses import dataclass, field

import grpc
import requests
import sseclient
from google.protobuf.json_format import MessageToDict, ParseDict
from google.rpc import status_pb2

# What is off, so that a stream holds the model's answer and nothing else.
ANSWER_ONLY = {"emotion": False, "translation": False, "memory": False, "cache": False}

DATA_FIELD = {"translation": "text", "llm_chunk": "text", "complete": "text", "error": "message"}


@dataclass
class Outcome:
    """`events`: {type, data, sequence, created_at, and what else the event holds}. `code`: the gRPC
    status by name, nothing over SSE; `message`: its message; `details`: its google.rpc.Status."""

    events: list = field(default_factory=list)
    code: str | None = None
    message: str = ""
    details: status_pb2.Status | None = None

    def chunks(self):
        return [event["data"] for event in self.events if event["type"] == "llm_chunk"]

    def last(self):
        return self.events[-1]


def ask_sse(luna, _stub, _messages, request, on_event):
    features = request.get("features", {}) | {"details": True}
    outcome = Outcome()
    with requests.post(
        f"{luna.url}/interact/stream",
        json=request | {"features": features},
        stream=True,
        timeout=(5, 60),
    ) as response:
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        for event in sseclient.SSEClient(response).events():
            outcome.events.append(json.loads(event.data))
            on_event(outcome.last())
    return outcome


def ask_grpc(_luna, stub, messages, request, on_event):
    call = stub.Interact(ParseDict(request, messages.InteractRequest()), timeout=60)
    outcome = Outcome()
    try:
        for response in call:
            outcome.events.append(_as_frame(response))
            on_event(outcome.last())
    except grpc.RpcError as error:
        outcome.message = error.details()
        metadata = dict(error.trailing_metadata())
        outcome.details = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    outcome.code = call.code().name
    return outcome


def _as_frame(response):
    fields = MessageToDict(
        response, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    kind = response.WhichOneof("event")
    event = fields.pop(kind)
    if kind == "emotion":
        data = {name: event.pop(name) for name in ("emotion", "confidence")}
    else:
        data = event.pop(DATA_FIELD[kind])
    return {"type": kind, "data": data} | event | fields


TRANSPORTS = {"sse": ask_sse, "grpc": ask_grpc}
