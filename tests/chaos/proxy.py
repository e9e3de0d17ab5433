"""The chaos proxy as a process, and what may become of a stream that went through it."""

import os

from processes import BUILD, Process

WORDS = [f" 낱말{n} 그리고 또 하나" for n in range(12)]
TEXT = "".join(WORDS)
STEPS = [{"text": word} for word in WORDS] + [{"finish": "STOP"}, {"done": True}]
# One that HTTP itself says the end of, and one that ends with its connection; split, so that there
# are chunks for the harm to fall between.
SCRIPTS = [{"steps": STEPS, "split": 97}, {"steps": STEPS, "split": 211, "framing": "close"}]


class ChaosProxy(Process):
    """tests/chaos/main.cc, in front of a provider."""

    def __init__(self, provider):
        super().__init__([BUILD / "tests/chaos/chaos-proxy", "--upstream", provider.port])
        _, port, _, self.seed = self.first_line.split()
        self.url = f"http://127.0.0.1:{port}"

    def stop(self):
        """Ends it; returns how often it did what."""
        out = os.dup(self._process.stdout.fileno())
        super().stop()
        with os.fdopen(out) as rest:
            return {name: int(n) for name, n in (word.split("=") for word in rest.read().split())}


def judge(outcome):
    """What became of a stream: complete and whole, or the code of its error; nothing else is."""
    terminal = [event for event in outcome.events if event["type"] in ("complete", "error")]
    assert terminal == [outcome.last()]
    said = "".join(outcome.chunks())
    last = outcome.last()
    if last["type"] == "complete":
        assert last["data"] == said == TEXT
        assert outcome.code in (None, "OK")
        return "complete"
    assert last["text_so_far"] == said
    assert TEXT.startswith(said)
    assert outcome.code != "OK"
    assert last["code"] != "INTERNAL"
    return last["code"]
