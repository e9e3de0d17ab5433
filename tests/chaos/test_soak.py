"""A server under mixed load with faults, for long: nothing piles up, and every stream ends honestly."""

import json
import os
import random
import socket
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests

from configuration import write_configuration
from generated import generate_stubs
from processes import BUILD, MEASURED, ROOT, LunaServer
from proxy import SCRIPTS, STEPS, judge
from rows import APIS, refusal
from transports import ANSWER_ONLY, TRANSPORTS

LONG = os.environ.get("LUNA_LONG") == "1"
SECONDS = 30 * 60 if LONG else 20
AFTER = 60 if LONG else 10  # when memory is first looked at
MOST_GROWTH = 1.05 if LONG else 1.25
# The long form watches the server that people run; the short one the sanitizers'.
SERVER_BUILD = ROOT / "build/release" if LONG else BUILD
CALLERS = 12
KEPT_CONNECTIONS = 64

HALF = STEPS[: len(STEPS) // 2]
BUSY = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
REFUSAL = refusal(503, "overloaded", "UNAVAILABLE")["openai"]
FAULTS = [
    {"steps": [*HALF, BUSY]},
    {"steps": [*HALF, {"end": "close"}]},
    {"steps": [*HALF, {"end": "reset"}]},
    {"steps": [*HALF, {"raw": "data: {]\n\n"}]},
    {"steps": [{"pause_ms": 30}, *STEPS]},
    {"steps": STEPS, "split": 1},
    {"steps": [{"send_headers": True}, {"end": "hang"}]},
    {"status": 400, "body": "no"},
    REFUSAL,
]


class Caller:
    """One who asks again and again, in one way or another; notes what became of it."""

    def __init__(self, luna, channel, stubs, until):
        self._luna, self._messages, self._until = luna, stubs.messages, until
        self._stub = stubs.services.InteractionServiceStub(channel)
        self._random = random.Random()

    def run(self):
        ended = Counter()
        ways = [self.listen] * 6 + [self.leave, self.leave_early, self.ask_unary, self.send_rubbish]
        while time.monotonic() < self._until:
            way = self._random.choice(ways)
            ended[f"{way.__name__} {way()}"] += 1
        return ended

    def _request(self):
        return {"input": "안녕", "target": self._random.choice(APIS), "features": ANSWER_ONLY}

    def listen(self):
        transport = self._random.choice(list(TRANSPORTS))
        ask = TRANSPORTS[transport]
        return judge(ask(self._luna, self._stub, self._messages, self._request(), lambda _: None))

    def leave(self):
        with requests.post(
            f"{self._luna.url}/interact/stream", json=self._request(), stream=True, timeout=60
        ) as response:
            next(response.iter_content(64))
        return "gone"

    def leave_early(self):
        request = self._messages.InteractRequest(input="안녕", target=self._random.choice(APIS))
        self._stub.Interact(request, timeout=60).cancel()
        return "gone"

    def ask_unary(self):
        answer = requests.post(f"{self._luna.url}/interact", json=self._request(), timeout=60)
        return answer.status_code

    def send_rubbish(self):
        host, port = self._luna.http.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as client:
            client.sendall(b"POST /interact HTTP/1.1\r\nHost: localhost\r\n bad: fold\r\n\r\n")
            return client.recv(12).decode()


def mix_scripts(provider):
    """For the next requests; those that come after them get SCRIPTS[0]."""
    provider.script(random.choices(SCRIPTS * 6 + FAULTS, k=100))


@pytest.fixture
def luna(tmp_path, proxy):
    quick = "{first_token_ms: 1000, gap_ms: 1000, total_ms: 5000}"
    changes = {"retries": "{count: 1, first_ms: 10, longest_ms: 20}", "timeouts": quick}
    file = write_configuration(tmp_path, proxy.url, "http://127.0.0.1:1", **changes)
    server = LunaServer(file, binary=SERVER_BUILD / "server/luna-server", **MEASURED)
    yield server
    server.stop()


def test_memory_and_descriptors_stay_where_they_were(luna, provider, proxy, tmp_path_factory, capsys):
    stubs = generate_stubs(tmp_path_factory.mktemp("stubs"))
    start = time.monotonic()
    until = start + SECONDS
    memory = []  # (seconds since the start, bytes)
    with grpc.insecure_channel(luna.grpc) as channel, ThreadPoolExecutor(CALLERS) as threads:
        provider.script(SCRIPTS[0])
        callers = [Caller(luna, channel, stubs, until) for _ in range(CALLERS)]
        runs = [threads.submit(caller.run) for caller in callers]
        while time.monotonic() < until:
            seen = luna.metrics()["process_resident_memory_bytes"]
            memory.append((time.monotonic() - start, seen))
            mix_scripts(provider)
            time.sleep(1)
        ended = sum((run.result() for run in runs), Counter())
    left = luna.wait_until_nothing_is_open()
    first, last = resident(memory, AFTER), resident(memory, SECONDS)
    with capsys.disabled():
        by_minute = [f"{resident(memory, at) / 1e6:.1f}" for at in range(60, SECONDS + 1, 60)]
        print(f"\n{sum(ended.values())} requests in {SECONDS} s: {json.dumps(ended, sort_keys=True)}")
        print(f"the proxy, seed {proxy.seed}: {proxy.stop()}")
        print(f"resident after {AFTER} s {first / 1e6:.1f} MB, at the end {last / 1e6:.1f} MB; {by_minute}")
    assert last <= MOST_GROWTH * first
    assert left["process_open_fds"] <= KEPT_CONNECTIONS
    assert ended["listen complete"] > 0


def resident(memory, at):
    """The median of the ten seconds before."""
    return statistics.median(bytes_ for seconds, bytes_ in memory if at - 10 <= seconds <= at)
