"""What the fake provider says in these tests."""

ANSWER = "인공지능의 미래는 매우 밝습니다."
WORDS = ["인공지능의", " 미래는", " 매우", " 밝습니다."]
END = [{"finish": "STOP"}, {"done": True}]
WHOLE = {"steps": [{"text": ANSWER}, *END]}
ENGLISH = "Explain the future of AI."
# What a translator is asked is no stream.
TRANSLATED = {
    "steps": [step | {"stream": False} for step in ({"text": ENGLISH}, *END)]
    + [step | {"stream": True} for step in WHOLE["steps"]]
}
# Nothing more comes before a step is let through.
BEFORE = {"steps": [{"await": "step"}, {"text": "너무 늦었어"}, *END]}
MIDDLE = {"steps": [{"text": "하나 둘 셋"}, *BEFORE["steps"]]}
# The connection to the provider breaks.
CUT = {"steps": [{"text": "하나 둘 셋"}, {"end": "reset"}]}
BUSY = {"status": 429, "headers": {"Retry-After": "3"}, "body": {"error": {"code": 429, "message": "slow down"}}}
# Longer than PAUSES_READ in all, and never so long at once.
PAUSES = {"steps": [step for word in WORDS * 5 for step in ({"pause_ms": 150}, {"text": word})] + END}
PAUSES_READ = 2.0

# That of `alice`, at the server `guarded`.
TOKEN = "luna_the-secret-of-alice"
ANSWER_ONLY = {"emotion": False, "translation": False, "memory": False, "cache": False}


def check_cancelled(fake, script):
    """The provider was left while it waited for its step."""
    (request,) = fake.wait(cancelled=1, open=0)["requests"]
    assert (request["outcome"], request["step"]) == ("cancelled", script["steps"].index({"await": "step"}))
