"""No stream is silently short, whatever becomes of the bytes between luna and its provider."""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import grpc
import pytest

from configuration import write_configuration
from generated import generate_stubs
from processes import BUILD, FakeProvider, LunaServer, Process
from transports import ANSWER_ONLY, TRANSPORTS

STREAMS = 10_000 if os.environ.get("LUNA_LONG") == "1" else 500
AT_ONCE = 16
LEAST_HIT = 0.3
NOBODY = "http://127.0.0.1:1"

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


@pytest.fixture
def provider():
    fake = FakeProvider("--threads", "2")
    yield fake
    fake.stop()


@pytest.fixture
def proxy(provider):
    proxy = ChaosProxy(provider)
    yield proxy
    if proxy.running():
        proxy.stop()


@pytest.fixture
def luna(tmp_path, proxy):
    quick = "{first_token_ms: 5000, gap_ms: 2000, total_ms: 20000}"
    changes = {"retries": "{count: 0}", "timeouts": quick}
    server = LunaServer(write_configuration(tmp_path, proxy.url, NOBODY, **changes))
    yield server
    server.stop()


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
    return last["code"]


def test_every_stream_is_whole_or_ends_in_an_error(luna, provider, proxy, tmp_path_factory, capsys):
    stubs = generate_stubs(tmp_path_factory.mktemp("stubs"))
    provider.script([SCRIPTS[n % 2] for n in range(2 * STREAMS)])
    kinds = list(product(TRANSPORTS, ("gemini", "openai")))
    here = threading.local()

    def ask(number):
        if not hasattr(here, "stub"):
            here.stub = stubs.services.InteractionServiceStub(channel)
        transport, api = kinds[number % len(kinds)]
        request = {"input": "안녕", "target": api, "features": ANSWER_ONLY}
        return judge(TRANSPORTS[transport](luna, here.stub, stubs.messages, request, lambda _: None))

    with grpc.insecure_channel(luna.grpc) as channel, ThreadPoolExecutor(AT_ONCE) as threads:
        ended = Counter(threads.map(ask, range(STREAMS)))
    hits = proxy.stop()
    with capsys.disabled():
        print(f"\nseed {proxy.seed}: {dict(ended)}; what the proxy did: {hits}")
    assert sum(ended.values()) == STREAMS
    assert hits["responses"] >= STREAMS
    assert hits["responses"] - hits["none"] >= LEAST_HIT * hits["responses"]
    assert all(hits[harm] for harm in ("delay", "cut", "corrupt", "throttle", "reset"))
    assert ended["complete"] > 0
    assert ended["complete"] < STREAMS
