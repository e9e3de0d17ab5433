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
from processes import LunaServer
from proxy import SCRIPTS, judge
from transports import ANSWER_ONLY, TRANSPORTS

ROUND = 500  # streams that the provider is told of at once
ROUNDS = 20 if os.environ.get("LUNA_LONG") == "1" else 1
STREAMS = ROUNDS * ROUND
AT_ONCE = 16
LEAST_HIT = 0.3
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def luna(tmp_path, proxy):
    quick = "{first_token_ms: 5000, gap_ms: 2000, total_ms: 20000}"
    changes = {"retries": "{count: 0}", "timeouts": quick}
    server = LunaServer(write_configuration(tmp_path, proxy.url, NOBODY, **changes))
    yield server
    server.stop()


def test_every_stream_is_whole_or_ends_in_an_error(luna, provider, proxy, tmp_path_factory, capsys):
    stubs = generate_stubs(tmp_path_factory.mktemp("stubs"))
    kinds = list(product(TRANSPORTS, ("gemini", "openai")))
    here = threading.local()

    def ask(number):
        if not hasattr(here, "stub"):
            here.stub = stubs.services.InteractionServiceStub(channel)
        transport, api = kinds[number % len(kinds)]
        request = {"input": "안녕", "target": api, "features": ANSWER_ONLY}
        return judge(TRANSPORTS[transport](luna, here.stub, stubs.messages, request, lambda _: None))

    with grpc.insecure_channel(luna.grpc) as channel, ThreadPoolExecutor(AT_ONCE) as threads:
        ended = Counter()
        for _ in range(ROUNDS):
            provider.script(SCRIPTS * ROUND)
            ended.update(threads.map(ask, range(ROUND)))
    hits = proxy.stop()
    with capsys.disabled():
        print(f"\nseed {proxy.seed}: {dict(ended)}; what the proxy did: {hits}")
    assert sum(ended.values()) == STREAMS
    assert hits["responses"] >= STREAMS
    assert hits["cut"] + hits["corrupt"] + hits["reset"] >= LEAST_HIT * hits["responses"]
    assert all(hits[harm] for harm in ("delay", "cut", "corrupt", "throttle", "reset"))
    assert ended["complete"] > 0
    assert ended["complete"] < STREAMS
