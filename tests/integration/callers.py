"""Callers that ask and then go away."""

import json
import socket

from google.protobuf.json_format import ParseDict

KINDS = ("sse", "grpc", "http", "grpc-unary")


class HttpCaller:
    def __init__(self, luna, path, request):
        self._socket = socket.create_connection(luna.http.split(":"), timeout=60)
        body = json.dumps(request).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def wait_for(self, word):
        seen = b""
        while word not in seen:
            more = self._socket.recv(4096)
            assert more, seen
            seen += more

    def wait_for_a_chunk(self):
        self.wait_for(b"llm_chunk")

    def leave(self):
        self._socket.close()

    def close_sending_side(self):
        self._socket.shutdown(socket.SHUT_WR)


class GrpcStreamCaller:
    def __init__(self, interaction, messages, request):
        self._call = interaction.Interact(
            ParseDict(request, messages.InteractRequest()), timeout=60
        )

    def wait_for_a_chunk(self):
        assert next(self._call).WhichOneof("event") == "llm_chunk"

    def leave(self):
        self._call.cancel()


class GrpcUnaryCaller:
    def __init__(self, interaction, messages, request):
        self._call = interaction.Answer.future(
            ParseDict(request, messages.AnswerRequest()), timeout=60
        )

    def leave(self):
        self._call.cancel()


def begin(kind, server, interaction, messages, request):
    """Asks by one of KINDS. `interaction`: a stub of luna.v1.InteractionService at the server."""
    if kind == "sse":
        return HttpCaller(server, "/interact/stream", request)
    if kind == "http":
        return HttpCaller(server, "/interact", request)
    caller = GrpcStreamCaller if kind == "grpc" else GrpcUnaryCaller
    return caller(interaction, messages, request)
