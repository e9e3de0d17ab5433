"""What a provider may do, and what luna's callers must see of it: one table for all transports."""

import base64
import json
from dataclasses import dataclass

APIS = ("gemini", "openai")

ANSWER = "인공지능의 미래는 매우 밝습니다."
TEXTS = [{"text": "인공지능의 미"}, {"text": "래는 매우"}, {"text": " 밝습니다."}]
END = [{"finish": "STOP"}, {"done": True}]


@dataclass
class Behaviour:
    """`script`: for the fake, or one for each API. `text`: what arrives of the answer. `finish`: the
    finish reason of a complete answer. `error`: the code of a failed one; `words`: what its message
    says. `apis`: where the provider's API knows this at all."""

    name: str
    script: dict
    text: str = ""
    finish: str | None = None
    error: str | None = None
    words: str = ""
    target: str = "{api}"
    apis: tuple = APIS

    def script_for(self, api):
        return self.script.get(api, self.script)

    def __str__(self):
        return self.name


def steps(*more):
    return {"steps": list(more)}


def complete(name, script, text=ANSWER, finish="STOP", **more):
    return Behaviour(name, script, text=text, finish=finish, **more)


def failed(name, script, error, text="", **more):
    return Behaviour(name, script, error=error, text=text, **more)


def refusal(status, words, gemini_status="UNKNOWN", headers=None):
    """An HTTP error with a body as each provider writes it."""
    gemini = {"error": {"code": status, "message": words, "status": gemini_status}}
    openai = {"error": {"code": status, "message": words, "type": "some_error"}}
    head = {"status": status, "headers": headers or {}}
    return {"gemini": head | {"body": gemini}, "openai": head | {"body": openai}}


def pretty(code, message):
    """An error as Gemini writes it into a stream: no `data:`, no empty line."""
    error = {"error": {"code": code, "message": message, "status": "UNAVAILABLE"}}
    return {"raw": json.dumps(error, indent=2).replace("\n", "\r\n")}


BAD_KEY = {
    "error": {
        "code": 400,
        "message": "API key not valid. Please pass a valid API key.",
        "status": "INVALID_ARGUMENT",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
            }
        ],
    }
}

BROKEN_UTF8 = base64.b64encode("안".encode() + b"\xff" + " 녕".encode()).decode()
BUSY = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}
HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"

COMPLETE = [
    complete("happy", steps(*TEXTS, *END)),
    complete("one byte at a time", steps(*TEXTS, *END) | {"split": 1}),
    complete(
        "max tokens", steps(*TEXTS, {"finish": "MAX_TOKENS"}, {"done": True}), finish="MAX_TOKENS"
    ),
    complete("thoughts", steps({"thought": "생각 중"}, *TEXTS, {"thought": "더"}, *END)),
    complete("comment lines", steps({"comment": "ping"}, *TEXTS, {"comment": "ping"}, *END)),
    complete("broken UTF-8", steps({"text_base64": BROKEN_UTF8}, *END), text="안\ufffd 녕"),
    complete("closed after the end", steps(*TEXTS, *END) | {"framing": "close"}),
    complete(
        "white space around",
        steps({"text": "\n\n 네"}, {"text": ".  \n"}, *END),
        text="\n\n 네.  \n",
    ),
    complete(
        "line separators",
        steps({"text": "가\u2028나 다\u2029라\u0085마"}, *END),
        text="가\u2028나 다\u2029라\u0085마",
    ),
    complete("long word", steps({"text": "가" * 3000}, *END), text="가" * 3000),
    complete(
        "quotes",
        steps({"text": 'data: "x"\\ \t{}\n\ndata: [DONE]'}, *END),
        text='data: "x"\\ \t{}\n\ndata: [DONE]',
    ),
]

REFUSED = [
    failed(
        "400",
        refusal(400, "bad temperature", "INVALID_ARGUMENT"),
        "UPSTREAM_REJECTED",
        words="bad temperature",
    ),
    failed(
        "400 for the key",
        {"status": 400, "body": BAD_KEY},
        "UPSTREAM_AUTH",
        words="GEMINI_API_KEY",
        apis=("gemini",),
    ),
    failed("401", refusal(401, "who are you", "UNAUTHENTICATED"), "UPSTREAM_AUTH"),
    failed("403", refusal(403, "not you", "PERMISSION_DENIED"), "UPSTREAM_AUTH"),
    failed(
        "404",
        {"gemini": refusal(404, "no such model", "NOT_FOUND")["gemini"]},
        "UPSTREAM_REJECTED",
        words="llm.api.gemini.model",
        apis=("gemini",),
    ),
    failed(
        "404 of a server",
        {"openai": refusal(404, "no such model")["openai"]},
        "UPSTREAM_REJECTED",
        words="llm.servers.openai.alias",
        apis=("openai",),
    ),
    failed("413", refusal(413, "too much"), "UPSTREAM_REJECTED"),
    failed("422", refusal(422, "no"), "UPSTREAM_REJECTED"),
    failed(
        "429", refusal(429, "slow down", "RESOURCE_EXHAUSTED"), "UPSTREAM_QUOTA", words="slow down"
    ),
    failed("500", refusal(500, "oops", "INTERNAL"), "UPSTREAM_UNAVAILABLE"),
    failed(
        "503", refusal(503, "overloaded", "UNAVAILABLE"), "UPSTREAM_UNAVAILABLE", words="overloaded"
    ),
    failed(
        "HTML error page",
        {"status": 502, "headers": {"Content-Type": "text/html"}, "body": HTML},
        "UPSTREAM_UNAVAILABLE",
    ),
    failed(
        "HTML with 200",
        {"headers": {"Content-Type": "text/html"}, "body": HTML},
        "UPSTREAM_PROTOCOL",
    ),
    failed(
        "redirect",
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}, "body": ""},
        "UPSTREAM_REJECTED",
    ),
    failed("connection refused", {}, "UPSTREAM_UNAVAILABLE", target="{api}_gone"),
    failed("reset before the headers", steps({"end": "reset"}), "UPSTREAM_UNAVAILABLE"),
]

BROKEN = [
    failed(
        "safety", steps(*TEXTS, {"finish": "SAFETY"}, {"done": True}), "CONTENT_BLOCKED", ANSWER
    ),
    failed(
        "unknown finish reason",
        steps(*TEXTS, {"finish": "BRAND_NEW"}, {"done": True}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="BRAND_NEW",
        apis=("gemini",),
    ),
    failed(
        "unknown finish reason of a server",
        steps(*TEXTS, {"finish": "BRAND_NEW"}, {"done": True}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="brand_new",
        apis=("openai",),
    ),
    failed("blocked prompt", steps({"blocked": "SAFETY"}, {"done": True}), "CONTENT_BLOCKED"),
    failed("error frame first", steps({"error": BUSY}), "UPSTREAM_UNAVAILABLE", words="overloaded"),
    failed(
        "error frame in mid-stream",
        steps(*TEXTS, {"error": BUSY}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="overloaded",
    ),
    failed(
        "[DONE] after an error",
        steps(*TEXTS, {"error": BUSY}, {"done": True}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
    ),
    failed(
        "pretty-printed error",
        steps(*TEXTS, pretty(503, "overloaded")),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="overloaded",
        apis=("gemini",),
    ),
    failed(
        "pretty-printed error after STOP",
        steps(*TEXTS, *END, pretty(503, "overloaded")),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        apis=("gemini",),
    ),
    failed(
        "old llama.cpp's error line",
        steps(
            *TEXTS,
            {"raw": 'error: {"code":500,"message":"out of slots","type":"server_error"}\n\n'}
        ),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="out of slots",
        apis=("openai",),
    ),
    failed("no finish reason", steps(*TEXTS, {"done": True}), "UPSTREAM_PROTOCOL", ANSWER),
    failed(
        "no [DONE]",
        steps(*TEXTS, {"finish": "STOP"}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="[DONE]",
        apis=("openai",),
    ),
    failed("empty answer", steps(*END), "UPSTREAM_PROTOCOL"),
    failed("empty body", steps({"send_headers": True}), "UPSTREAM_PROTOCOL"),
    failed(
        "half a JSON",
        steps(*TEXTS, {"raw": 'data: {"candidates": [{"content"\n\n'}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
    ),
    failed(
        "closed in mid-body",
        steps(*TEXTS, {"await": "step"}, {"end": "close"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
    ),
    failed(
        "reset in mid-body",
        steps(*TEXTS, {"await": "step"}, {"end": "reset"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
    ),
]

BEHAVIOURS = COMPLETE + REFUSED + BROKEN
ROWS = [(api, behaviour) for behaviour in BEHAVIOURS for api in behaviour.apis]

# The gRPC status that each error of the table ends in.
GRPC_STATUS = {
    "UPSTREAM_UNAVAILABLE": "UNAVAILABLE",
    "UPSTREAM_AUTH": "FAILED_PRECONDITION",
    "UPSTREAM_REJECTED": "FAILED_PRECONDITION",
    "UPSTREAM_QUOTA": "RESOURCE_EXHAUSTED",
    "UPSTREAM_PROTOCOL": "INTERNAL",
    "CONTENT_BLOCKED": "FAILED_PRECONDITION",
}

# The HTTP status of each where there is no stream.
HTTP_STATUS = {
    "UPSTREAM_UNAVAILABLE": 503,
    "UPSTREAM_AUTH": 400,
    "UPSTREAM_REJECTED": 400,
    "UPSTREAM_QUOTA": 429,
    "UPSTREAM_PROTOCOL": 500,
    "CONTENT_BLOCKED": 400,
}
