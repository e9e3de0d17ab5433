"""How a row of the table (behaviours.py) is written: a script, and what must come of it."""

import json
from dataclasses import dataclass

APIS = ("gemini", "openai")

ANSWER = "인공지능의 미래는 매우 밝습니다."
TEXTS = [{"text": "인공지능의 미"}, {"text": "래는 매우"}, {"text": " 밝습니다."}]
END = [{"finish": "STOP"}, {"done": True}]
LATE = [{"await": "late"}, {"text": "너무 늦었어"}]

# Of each error: the gRPC status, the HTTP status where there is no stream, and whether the same
# request may succeed later.
CONTRACT = {
    "UPSTREAM_UNAVAILABLE": ("UNAVAILABLE", 503, True),
    "UPSTREAM_AUTH": ("FAILED_PRECONDITION", 400, False),
    "UPSTREAM_REJECTED": ("FAILED_PRECONDITION", 400, False),
    "UPSTREAM_QUOTA": ("RESOURCE_EXHAUSTED", 429, True),
    "UPSTREAM_TIMEOUT": ("DEADLINE_EXCEEDED", 504, True),
    "UPSTREAM_PROTOCOL": ("INTERNAL", 500, True),
    "CONTENT_BLOCKED": ("FAILED_PRECONDITION", 400, False),
    "ANSWER_TOO_LONG": ("OUT_OF_RANGE", 400, False),
}


@dataclass
class Behaviour:
    """`script`: for the fake, or one for each API; none where the fake is not reached.

    `text`: what arrives of the answer. `finish`: the finish reason of a complete answer.

    Of a failed one:
    `error`: its code. `words`: what its message says, for both APIs or for each. `retryable`: where
    it is not what CONTRACT says. `retry_after_ms`: as in the error event.
    `asked`: how often a server with two retries asks the upstream in all. `falls_back`: whether the
    next target is asked then; else exactly what is tried again.
    `goes_on`: the fake would send more, were it not cut off.

    `target`: who is asked. `peer`: in place of the fake, one of peers.PEERS. `server`: which luna is
    asked, where its time limits must be short. `streams_only`: makes no sense without a stream.
    `apis`: where the provider's API knows this at all, and `why` not everywhere."""

    name: str
    script: dict
    text: str = ""
    finish: str | None = None
    error: str | None = None
    words: str | dict = ""
    retryable: bool | None = None
    retry_after_ms: int = 0
    asked: int | None = None
    falls_back: bool | None = None
    goes_on: bool = False
    target: str = "{api}"
    peer: str = "fake"
    server: str = "luna"
    streams_only: bool = False
    apis: tuple = APIS
    why: str = ""

    def __post_init__(self):
        if self.error and self.retryable is None:
            self.retryable = CONTRACT[self.error][2]
        if self.falls_back is None:
            self.falls_back = (self.asked or 1) > 1

    def script_for(self, api):
        return self.script.get(api, self.script)

    def streamed_script_for(self, api):
        """With what the fake would go on to send."""
        script = self.script_for(api)
        return script | {"steps": script["steps"] + LATE} if self.goes_on else script

    def words_for(self, api):
        return self.words[api] if isinstance(self.words, dict) else self.words

    def stage(self):
        return "stream" if self.text else "first_token"

    def __str__(self):
        return self.name


def steps(*more):
    return {"steps": list(more)}


def complete(name, script, text=ANSWER, finish="STOP", **more):
    return Behaviour(name, script, text=text, finish=finish, **more)


def failed(name, script, error, text="", asked=1, **more):
    return Behaviour(name, script, error=error, text=text, asked=asked, **more)


def refusal(status, words, gemini_status="UNKNOWN", headers=None, details=None):
    """An HTTP error with a body as each provider writes it."""
    gemini = {"error": {"code": status, "message": words, "status": gemini_status}}
    openai = {"error": {"code": status, "message": words, "type": "some_error"}}
    if details:
        gemini["error"]["details"] = details
        openai["error"]["details"] = details
    head = {"status": status, "headers": headers or {}}
    return {"gemini": head | {"body": gemini}, "openai": head | {"body": openai}}


def pretty(code, message):
    """An error as Gemini writes it into a stream: no `data:`, no empty line."""
    error = {"error": {"code": code, "message": message, "status": "UNAVAILABLE"}}
    return {"raw": json.dumps(error, indent=2).replace("\n", "\r\n")}


def retry_info(delay):
    return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]


def quota_failure(quota_id):
    violations = [{"quotaId": quota_id}]
    return [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
