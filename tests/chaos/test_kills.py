"""A server that is killed at random moments has kept every turn that it said it had."""

import http.client
import itertools
import json
import os
import random
import sqlite3
import threading
import time

import pytest

from configuration import PATIENT, write_configuration
from processes import LunaServer

KILLS = 200 if os.environ.get("LUNA_LONG") == "1" else 10
CALLERS = 40
IN_FLIGHT = 32  # at least, when it is killed
REMEMBERED = 20  # at least, of each life
SESSIONS = 3
LONGEST_LIFE = 0.3  # seconds, once that many are remembered

# 60 to 120 ms an answer, in four pieces.
SCRIPTS = [
    {"steps": [step for piece in ("하나", " 둘", " 셋", " 넷") for step in ({"text": piece}, {"pause_ms": pause})]}
    for pause in (15, 30)
]
for script in SCRIPTS:
    script["steps"] += [{"finish": "STOP"}, {"done": True}]

seeds = itertools.count()


class Callers:
    """Many who ask one server again and again until it is gone, and note what it said it remembers."""

    def __init__(self, luna):
        self._host, self._port = luna.http.split(":")
        self._lock = threading.Lock()
        self._in_flight = 0
        self._killed = threading.Event()
        self.enough = threading.Semaphore(0)  # released for each remembered turn
        self.remembered = []  # (user, session, input)
        self.odd = []
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def in_flight(self):
        with self._lock:
            return self._in_flight

    def join(self):
        self._killed.set()
        for thread in self._threads:
            thread.join()

    def _count(self, change):
        with self._lock:
            self._in_flight += change

    def _call(self, number):
        user = f"user-{number}"
        connection = http.client.HTTPConnection(self._host, int(self._port), timeout=60)
        while not self._killed.is_set():
            session, text = f"s{random.randrange(SESSIONS)}", f"질문 {number}-{next(seeds)}"
            try:
                self._ask(connection, user, session, text)
            except (OSError, http.client.HTTPException):
                if not self._killed.wait(60):
                    self.odd.append(f"the connection of {user} ended before the server was killed")
                return

    def _ask(self, connection, user, session, text):
        body = {"input": text, "user_id": user, "session_id": session, "features": {"emotion": False, "details": True}}
        headers = {"Content-Type": "application/json"}
        self._count(1)
        try:
            connection.request("POST", "/interact/stream", json.dumps(body), headers)
            frames = connection.getresponse().read().decode().strip().split("\n\n")
        finally:
            self._count(-1)
        last = json.loads(frames[-1].removeprefix("data: "))
        if last["type"] != "complete":
            self.odd.append(frames[-1])
        elif last["remembered"]:
            with self._lock:
                self.remembered.append((user, session, text))
            self.enough.release()
        else:
            self.odd.append(f"not remembered: {text}")


def kept(luna):
    """What the server remembers, as Callers.remembered."""
    host, port = luna.http.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    turns = set()
    for number, session in itertools.product(range(CALLERS), range(SESSIONS)):
        for offset in itertools.count(0, 1000):
            query = f"user_id=user-{number}&session_id=s{session}&limit=1000&offset={offset}"
            connection.request("GET", f"/memory/conversations?{query}")
            page = json.load(connection.getresponse())["conversations"]
            for turn in page:
                assert turn["assistant_message"] == "하나 둘 셋 넷", turn
                turns.add((turn["user_id"], turn["session_id"], turn["user_message"]))
            if len(page) < 1000:
                break
    return turns


@pytest.fixture
def configuration(tmp_path, provider):
    provider.script(SCRIPTS[1])
    return write_configuration(tmp_path, provider.url, "http://127.0.0.1:1", **PATIENT)


def test_what_was_remembered_is_there_after_a_kill(configuration, capsys):
    promised = set()
    fewest = CALLERS
    for life in range(KILLS):
        luna = LunaServer(configuration)
        callers = Callers(luna)
        callers.start()
        for _ in range(REMEMBERED):
            assert callers.enough.acquire(timeout=60), f"life {life}: {luna.stderr()}"
        time.sleep(random.uniform(0, LONGEST_LIFE))  # the moment is what is random here
        while (in_flight := callers.in_flight()) < IN_FLIGHT:
            pass
        luna.kill()
        callers.join()
        assert callers.odd == []
        fewest = min(fewest, in_flight)
        promised.update(callers.remembered)
        assert "damaged" not in luna.stderr()

        again = LunaServer(configuration)
        missing = promised - kept(again)
        assert not missing, f"life {life}: {len(missing)} of {len(promised)}: {sorted(missing)[:5]}"
        again.stop()
        assert "damaged" not in again.stderr()
    database = configuration.parent / "data/luna.db"
    assert list(database.parent.glob("*.damaged*")) == []
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    with capsys.disabled():
        print(f"\n{KILLS} kills, at least {fewest} in flight: all {len(promised)} remembered turns are there")
