"""What a provider may do, and what luna's callers must see of it: one table for all transports."""

import base64

from rows import ANSWER, END, TEXTS, complete, failed, pretty, quota_failure, refusal
from rows import retry_info, steps

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
FOR_EVER = [{"pause_ms": 20}, {"comment": "ping"}] * 500

GEMINI_ONLY = {"apis": ("gemini",)}
OPENAI_ONLY = {"apis": ("openai",)}

COMPLETE = [
    complete("happy", steps(*TEXTS, *END)),
    complete(
        "one byte at a time",
        steps(*TEXTS, *END) | {"split": 1},
        streams_only=True,
    ),
    complete("two frames in one segment", {"split": 100_000} | steps(*TEXTS, *END)),
    complete(
        "max tokens", steps(*TEXTS, {"finish": "MAX_TOKENS"}, {"done": True}), finish="MAX_TOKENS"
    ),
    complete("thoughts", steps({"thought": "생각 중"}, *TEXTS, {"thought": "더"}, *END)),
    complete(
        "comment lines",
        steps({"comment": "ping"}, *TEXTS, {"comment": "ping"}, *END),
        streams_only=True,
    ),
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
    complete(
        "no finish reason yet, in so many words",
        steps(TEXTS[0], {"finish": "FINISH_REASON_UNSPECIFIED"}, *TEXTS[1:], *END),
        streams_only=True,
        **GEMINI_ONLY,
        why="the default of Google's enum",
    ),
    complete("long word", steps({"text": "가" * 3000}, *END), text="가" * 3000),
    complete(
        "quotes",
        steps({"text": 'data: "x"\\ \t{}\n\ndata: [DONE]'}, *END),
        text='data: "x"\\ \t{}\n\ndata: [DONE]',
        streams_only=True,
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
        **GEMINI_ONLY,
        why="API_KEY_INVALID is Google's; others say 401",
    ),
    failed("401", refusal(401, "who are you", "UNAUTHENTICATED"), "UPSTREAM_AUTH"),
    failed("403", refusal(403, "not you", "PERMISSION_DENIED"), "UPSTREAM_AUTH"),
    failed(
        "404",
        refusal(404, "no such model", "NOT_FOUND"),
        "UPSTREAM_REJECTED",
        words={"gemini": "llm.api.gemini.model", "openai": "llm.servers.openai.alias"},
    ),
    failed("408", refusal(408, "took too long"), "UPSTREAM_UNAVAILABLE", asked=3),
    failed("413", refusal(413, "too much"), "UPSTREAM_REJECTED"),
    failed("422", refusal(422, "no"), "UPSTREAM_REJECTED"),
    failed(
        "429",
        refusal(429, "slow down", "RESOURCE_EXHAUSTED"),
        "UPSTREAM_QUOTA",
        words="slow down",
        asked=3,
    ),
    failed(
        "429 with a long Retry-After",
        refusal(429, "slow down", "RESOURCE_EXHAUSTED", {"Retry-After": "3"}),
        "UPSTREAM_QUOTA",
        retry_after_ms=3000,
        falls_back=True,
    ),
    failed(
        "429 with a short RetryInfo",
        refusal(429, "slow down", "RESOURCE_EXHAUSTED", details=retry_info("0.02s")),
        "UPSTREAM_QUOTA",
        retry_after_ms=20,
        asked=3,
    ),
    failed(
        "429 with a long RetryInfo",
        refusal(429, "slow down", "RESOURCE_EXHAUSTED", details=retry_info("37.5s")),
        "UPSTREAM_QUOTA",
        retry_after_ms=37500,
        falls_back=True,
    ),
    failed(
        "429 for the day",
        refusal(
            429,
            "slow down",
            "RESOURCE_EXHAUSTED",
            details=quota_failure("GenerateRequestsPerDayPerProject") + retry_info("0.02s"),
        ),
        "UPSTREAM_QUOTA",
        retryable=False,
        falls_back=True,
    ),
    failed("500", refusal(500, "oops", "INTERNAL"), "UPSTREAM_UNAVAILABLE", asked=3),
    failed("502", refusal(502, "bad gateway"), "UPSTREAM_UNAVAILABLE", asked=3),
    failed(
        "503",
        refusal(503, "overloaded", "UNAVAILABLE"),
        "UPSTREAM_UNAVAILABLE",
        words="overloaded",
        asked=3,
    ),
    failed(
        "503 with a long Retry-After",
        refusal(503, "overloaded", "UNAVAILABLE", {"Retry-After": "2"}),
        "UPSTREAM_UNAVAILABLE",
        retry_after_ms=2000,
        falls_back=True,
    ),
    failed("504", refusal(504, "too late", "DEADLINE_EXCEEDED"), "UPSTREAM_UNAVAILABLE", asked=3),
    failed(
        "HTML error page",
        {"status": 502, "headers": {"Content-Type": "text/html"}, "body": HTML},
        "UPSTREAM_UNAVAILABLE",
        asked=3,
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
    # Nobody is there to count how often these are tried; that the next target is asked says enough.
    failed(
        "connection refused",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_gone",
        asked=0,
        falls_back=True,
    ),
    failed(
        "unknown name",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_nowhere",
        asked=0,
        falls_back=True,
    ),
    failed(
        "a resolver that hangs",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_unanswered",
        asked=0,
        falls_back=True,
        server="stubborn_without_names",
        streams_only=True,
    ),
    failed(
        "no TLS where it should be",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_plain",
        peer="plain",
        asked=3,
    ),
    failed(
        "TLS that nobody vouches for",
        {},
        "UPSTREAM_UNAVAILABLE",
        words="certificate",
        target="{api}_self_signed",
        peer="self_signed",
        asked=3,
    ),
    failed(
        "TLS that never begins",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_mute",
        peer="mute",
        server="stubborn",
        asked=3,
        streams_only=True,
    ),
    failed(
        "reset before the headers",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_resetting",
        peer="resetting",
        asked=3,
    ),
    failed(
        "closed before the headers",
        {},
        "UPSTREAM_UNAVAILABLE",
        target="{api}_closing",
        peer="closing",
        asked=3,
    ),
    failed(
        "garbage in place of HTTP",
        steps({"raw": "\x00\x01 garbage \r\n\r\n" * 10}, {"end": "close"}) | {"framing": "none"},
        "UPSTREAM_UNAVAILABLE",
        asked=3,
    ),
]

BROKEN = [
    *(
        failed(
            f"finish reason {reason}",
            steps(*TEXTS, {"finish": reason}),
            "CONTENT_BLOCKED",
            ANSWER,
            words=reason,
            goes_on=True,
            **GEMINI_ONLY,
            why="OpenAI's API has one word for all of them",
        )
        for reason in (
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_RECITATION",
            "IMAGE_PROHIBITED_CONTENT",
            "MODEL_ARMOR",
        )
    ),
    failed(
        "finish reason SAFETY",
        steps(*TEXTS, {"finish": "SAFETY"}),
        "CONTENT_BLOCKED",
        ANSWER,
        words={"gemini": "SAFETY", "openai": "content_filter"},
        goes_on=True,
    ),
    *(
        failed(
            f"finish reason {reason}",
            steps(*TEXTS, {"finish": reason}),
            "UPSTREAM_PROTOCOL",
            ANSWER,
            words={"gemini": reason, "openai": reason.lower()},
            goes_on=True,
        )
        for reason in ("OTHER", "MALFORMED_FUNCTION_CALL", "TOOL_CALLS", "BRAND_NEW")
    ),
    *(
        failed(
            f"finish reason {reason}",
            steps(*TEXTS, {"finish": reason}),
            "UPSTREAM_PROTOCOL",
            ANSWER,
            words=reason,
            goes_on=True,
            **GEMINI_ONLY,
            why="OpenAI's chat makes no images",
        )
        for reason in ("IMAGE_OTHER", "NO_IMAGE")
    ),
    failed(
        "finish reason FINISH_REASON_UNSPECIFIED",
        steps(*TEXTS, {"finish": "FINISH_REASON_UNSPECIFIED"}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="without a finish reason",
        **GEMINI_ONLY,
        why="the default of Google's enum",
    ),
    failed("blocked prompt", steps({"blocked": "SAFETY"}), "CONTENT_BLOCKED", goes_on=True),
    failed(
        "prompt blocked by Model Armor",
        steps({"blocked": "MODEL_ARMOR"}),
        "CONTENT_BLOCKED",
        words="the prompt: MODEL_ARMOR",
        goes_on=True,
        **GEMINI_ONLY,
        why="Model Armor is Google's",
    ),
    failed(
        "error frame first",
        steps({"error": BUSY}),
        "UPSTREAM_UNAVAILABLE",
        words="overloaded",
        asked=3,
        goes_on=True,
    ),
    failed(
        "error frame in mid-stream",
        steps(*TEXTS, {"error": BUSY}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="overloaded",
        goes_on=True,
    ),
    failed(
        "[DONE] after an error",
        steps(*TEXTS, {"error": BUSY}, {"raw": "data: [DONE]\n\n"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "pretty-printed error",
        steps(*TEXTS, pretty(503, "overloaded"), {"raw": "\r\n"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="overloaded",
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "pretty-printed error after STOP",
        steps(*TEXTS, {"finish": "STOP"}, pretty(503, "overloaded")),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        streams_only=True,
    ),
    failed(
        "old llama.cpp's error line",
        steps(
            *TEXTS,
            {"raw": 'error: {"code":500,"message":"out of slots","type":"server_error"}\n\n'},
        ),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="out of slots",
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "vLLM's error frame",
        steps(
            *TEXTS,
            {"raw": 'data: {"object":"error","message":"out of blocks","code":500}\n\n'},
        ),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="out of blocks",
        goes_on=True,
        streams_only=True,
        **OPENAI_ONLY,
        why="`object` is OpenAI's word",
    ),
    failed(
        "Ollama's error frame",
        steps(*TEXTS, {"raw": 'data: {"error":"model runner has stopped"}\n\n'}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
        words="model runner has stopped",
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "a refused key in mid-stream",
        steps(*TEXTS, {"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}),
        "UPSTREAM_AUTH",
        ANSWER,
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "a JSON array",
        steps({"raw": '[{"candidates": [{"content": {"parts": [{"text": "안녕"}]}}]}\r\n]'}),
        "UPSTREAM_PROTOCOL",
        words="alt=sse",
        streams_only=True,
    ),
    failed(
        "an error in a JSON array",
        steps({"raw": '[{"error": {"code": 503, "message": "overloaded"}}\r\n]\r\n'}),
        "UPSTREAM_UNAVAILABLE",
        words="overloaded",
        asked=3,
        streams_only=True,
    ),
    failed("no finish reason", steps(*TEXTS, {"done": True}), "UPSTREAM_PROTOCOL", ANSWER),
    failed(
        "no [DONE]",
        steps(*TEXTS, {"finish": "STOP"}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        words="[DONE]",
        streams_only=True,
        **OPENAI_ONLY,
        why="Gemini has no [DONE]",
    ),
    failed("empty answer", steps(*END), "UPSTREAM_PROTOCOL"),
    failed("empty body", steps({"send_headers": True}), "UPSTREAM_PROTOCOL"),
    failed(
        "half a JSON",
        steps(*TEXTS, {"raw": 'data: {"candidates": [{"content"\n\n'}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "garbage in mid-stream",
        steps(*TEXTS, {"raw_base64": base64.b64encode(b"\x00\xff\xfe garbage\n\n").decode()}),
        "UPSTREAM_PROTOCOL",
        ANSWER,
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "a token of 4 MB",
        steps(*TEXTS, {"text": "a" * (4 << 20)}),
        "ANSWER_TOO_LONG",
        ANSWER,
        goes_on=True,
        streams_only=True,
    ),
    failed(
        "closed in mid-body",
        steps(*TEXTS, {"await": "step"}, {"end": "close"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
    ),
    failed(
        "reset after the headers",
        steps({"send_headers": True}, {"pause_ms": 20}, {"end": "reset"}),
        "UPSTREAM_UNAVAILABLE",
        asked=3,
        streams_only=True,
    ),
    failed(
        "reset in mid-body",
        steps(*TEXTS, {"await": "step"}, {"end": "reset"}),
        "UPSTREAM_UNAVAILABLE",
        ANSWER,
    ),
    failed(
        "nothing before the headers",
        steps({"end": "hang"}),
        "UPSTREAM_TIMEOUT",
        words="first_token_ms",
        falls_back=True,
        server="stubborn",
        streams_only=True,
    ),
    failed(
        "nothing before the first token",
        steps({"send_headers": True}, {"end": "hang"}),
        "UPSTREAM_TIMEOUT",
        words="first_token_ms",
        falls_back=True,
        server="stubborn",
        streams_only=True,
    ),
    failed(
        "only comment lines",
        steps(*FOR_EVER),
        "UPSTREAM_TIMEOUT",
        words="first_token_ms",
        falls_back=True,
        server="stubborn",
        streams_only=True,
    ),
    failed(
        "nothing after the first token",
        steps(*TEXTS, {"end": "hang"}),
        "UPSTREAM_TIMEOUT",
        ANSWER,
        words="gap_ms",
        server="stubborn",
        streams_only=True,
    ),
    failed(
        "a body that never ends",
        steps(*TEXTS, *FOR_EVER),
        "UPSTREAM_TIMEOUT",
        ANSWER,
        words="total_ms",
        server="stubborn",
        streams_only=True,
    ),
]

BEHAVIOURS = COMPLETE + REFUSED + BROKEN
ROWS = [(api, behaviour) for behaviour in BEHAVIOURS for api in behaviour.apis]
