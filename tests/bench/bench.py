#!/usr/bin/env python3
"""luna against nginx, in turns, in one run; README.md beside this file says what each row is. `./run bench` builds
what it needs and then becomes this."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

import report
from processes import ROOT, SERVER, record_provider_request
from rows import ROWS, Run

RESULTS = ROOT / "tests/bench/results"
TRIED = ROOT / "build/bench/results"  # of a run that is not whole


class Progress:
    """One line that overwrites itself on a terminal; elsewhere a line at most every ten seconds."""

    def __init__(self, names, rounds):
        self._names, self._rounds = names, rounds
        self._start = time.monotonic()
        self._said = -10.0
        self.run = None

    def __call__(self, what):
        now = time.monotonic() - self._start
        at = self._names.index(self.run.row) + 1
        line = f"bench: {now:.0f} s, row {at}/{len(self._names)} {self.run.row}, "
        line += f"round {self.run.round + 1}/{self._rounds}: {what}"
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
        elif now - self._said >= 10:
            self._said = now
            print(line, file=sys.stderr, flush=True)

    def done(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="./run bench", description="luna against nginx: speed, CPU, memory.")
    parser.add_argument("--rounds", type=int, default=5, help="of each row (default: 5)")
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which, with commas: {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not what it costs")
    given = parser.parse_args()
    given.rows = given.rows.split(",")
    if unknown := [name for name in given.rows if name not in ROWS]:
        parser.error(f"no such row: {', '.join(unknown)}")
    if given.rounds < 1:
        parser.error("--rounds: at least 1")
    return given


def main():
    given = arguments()
    report.refuse_debug_build(SERVER.parents[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped on the way out
    rounds = range(1 if given.quick else given.rounds)
    start = time.monotonic()
    progress = Progress(given.rows, len(rounds))
    with tempfile.TemporaryDirectory(prefix="luna-bench.") as folder:
        short = {"warmup": 0.1, "seconds": 0.3, "answers": 1, "paced_seconds": 1, "open_streams": 200, "held_streams": 400}
        run = progress.run = Run(Path(folder), progress, **(short if given.quick else {}))
        record_provider_request(run.folder)
        for run.row in given.rows:
            ROWS[run.row](run, rounds)
    progress.done()
    whole = not given.quick and len(rounds) >= 5 and given.rows == list(ROWS)
    found = report.document(run, len(rounds), given.rows, time.monotonic() - start)
    folder = RESULTS if whole else TRIED
    report.write(found, folder)
    print(f"{report.heading(found)}\n\n{report.table(found)}")
    for failure in found["failures"]:
        print(failure)
    print(f"written to {folder.relative_to(ROOT)}: bench.md, bench.json, bench.svg")
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
