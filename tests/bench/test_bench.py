"""Whether the bench measures: what its client counts and notices, and what becomes of the figures. With the debug
build and without nginx; what anything costs is not looked at here."""

import functools
import json
import os
import tempfile
import threading
import urllib.request
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import processes
import report
import rows
from figures import Figures, Goal
from processes import ROOT, Stage
from rows import Run

DEBUG = ROOT / "build/debug"
TARGETS = ("direct", "luna", "luna word")


@pytest.fixture(autouse=True)
def debug_build(monkeypatch):
    monkeypatch.setattr(processes, "SERVER", DEBUG / "server/luna-server")
    monkeypatch.setattr(processes, "TOOLS", DEBUG / "tests")


@pytest.fixture
def stage(tmp_path):
    processes.record_provider_request(tmp_path)
    with Stage(tmp_path, 5, servers=TARGETS[1:]) as started:
        yield started


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path, lambda what: None, warmup=0.05, seconds=0.3)
    run.row, run.round = "test", 0
    return run


class FileServer:
    """Serves one file, as nginx does. Use as a context."""

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.file = Path(self._folder.name) / processes.FILE_PATH[1:]
        handler = functools.partial(SimpleHTTPRequestHandler, directory=self._folder.name)
        handler.func.protocol_version = "HTTP/1.1"
        handler.func.log_message = lambda *_: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def pids(self):
        return [os.getpid()]


def script(stage, steps):
    """What the provider answers from now on."""
    request = urllib.request.Request(
        f"http://{stage.provider.address}/_fake/script", json.dumps({"steps": steps}).encode(), method="PUT"
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


@pytest.mark.parametrize("transport", ["sse", "grpc"])
@pytest.mark.parametrize("target", TARGETS)
def test_each_frame_is_counted(run, stage, transport, target):
    result = run.load(stage, transport, target, 3, "--seconds", run.seconds, "--gaps")
    assert run.failures == []
    assert result["requests"] > 0
    assert result["streams"] >= result["requests"]
    assert result["frames"] == pytest.approx(5 * result["requests"], abs=2 * 3 * 5)
    assert result["first_us"]["count"] > 0 and result["first_us"]["p50"] > 0
    assert result["gap_us"]["count"] > 0


@pytest.mark.parametrize("transport", ["sse", "grpc"])
def test_a_cached_answer_is_one_frame_and_asks_nobody(run, tmp_path, transport):
    with Stage(tmp_path, 5, servers=("luna cache",)) as stage:
        rows.keep(stage)
        result = run.load(stage, transport, "luna cache", 3, "--seconds", run.seconds)
        assert run.failures == []
        assert result["frames"] == pytest.approx(result["requests"], abs=6)
        assert result["whole_us"]["count"] > 0
        assert stage.provider.seen() == 1


@pytest.mark.parametrize("transport", ["sse", "grpc"])
def test_the_whole_flow_asks_something_new_each_time(run, tmp_path, transport):
    with Stage(tmp_path, 5, servers=("luna whole",)) as stage:
        rows.check_whole(stage)
        before = stage.provider.seen()
        result = run.load(stage, transport, "luna whole", 3, "--seconds", run.seconds)
        assert run.failures == []
        assert result["frames"] == pytest.approx(5 * result["requests"], abs=2 * 3 * 5)
        assert stage.provider.seen() == before + result["streams"]


def test_a_file_is_read_as_the_response_whose_bytes_it_holds(run, tmp_path):
    """As nginx serves one: to a GET, with its length."""
    with Stage(tmp_path, 5, servers=("luna cache",)) as stage, FileServer() as files:
        rows.keep(stage)
        files.file.write_bytes(stage.ask("luna cache"))
        stage.servers["nginx file"] = files
        result = run.load(stage, "sse", "nginx file", 3, "--once")
        assert (run.failures, result["lost"], result["streams"]) == ([], 0, 3)
        whole = files.file.read_bytes()
        files.file.write_bytes(whole[: whole.rindex(b"data: ")])
        result = run.load(stage, "sse", "nginx file", 3, "--once")
        assert result["failures"] == 3 and "no terminal event" in result["first_failure"]


@pytest.mark.parametrize("transport", ["sse", "grpc"])
def test_streams_that_share_a_connection_are_counted_apart(run, stage, transport):
    result = run.load(stage, transport, "luna", 7, "--once", "--per-connection", 3)
    assert (run.failures, result["streams"], result["open"]) == ([], 7, 7)


@pytest.mark.parametrize("transport", ["sse", "grpc"])
@pytest.mark.parametrize("expected", [4, 6])
def test_frames_too_few_or_too_many_are_noticed(run, stage, transport, expected):
    stage.chunks = expected
    result = run.load(stage, transport, "luna", 3, "--once")
    assert result["lost"] == 3
    assert "3 frames lost" in run.failures[0]


@pytest.mark.parametrize("transport", ["sse", "grpc"])
def test_an_answer_that_ends_in_an_error_is_noticed(run, stage, transport):
    script(stage, [{"text": "a"}] * 5 + [{"end": "close"}])
    result = run.load(stage, transport, "luna", 3, "--once")
    assert result["failures"] >= 3 and "error event" in result["first_failure"]


def test_a_response_that_breaks_off_is_noticed(run, stage):
    script(stage, [{"text": "a"}, {"text": "b"}, {"end": "reset"}])
    result = run.load(stage, "sse", "direct", 3, "--once")
    assert (result["failures"], result["lost"]) == (3, 9)


def test_a_response_without_its_last_event_is_noticed(run, stage):
    script(stage, [{"text": "a"}] * 5)
    result = run.load(stage, "sse", "direct", 3, "--once")
    assert (result["failures"], result["lost"]) == (3, 0)
    assert "no terminal event" in result["first_failure"]


def test_a_refused_request_is_noticed(run, stage):
    processes.PROVIDER_PATH, kept = "/nowhere", processes.PROVIDER_PATH
    try:
        result = run.load(stage, "sse", "direct", 1, "--once")
    finally:
        processes.PROVIDER_PATH = kept
    assert result["failures"] == 1 and "404" in result["first_failure"]


def test_only_a_release_build_is_measured():
    with pytest.raises(SystemExit, match="no release build"):
        report.refuse_debug_build(DEBUG)


def summary(pairs, goal=None):
    figures = Figures()
    for luna, nginx in pairs:
        figures.add("row", "sse", "title", "us", {"luna": luna, "nginx": nginx}, goal)
    return figures.summaries()[0]


def test_a_figure_is_the_median_of_the_rounds_ratios():
    found = summary([(1, 1), (4, 2), (3, 1), (9, 1), (2, 4)], Goal(most=2))
    assert (found["luna"], found["nginx"]) == (3, 1)
    assert (found["ratio"], found["ratio_min"], found["ratio_max"]) == (2, 0.5, 9)
    assert found["met"] is True
    assert summary([(3, 1)], Goal(most=2))["met"] is False
    assert summary([(3, 1)], Goal(least=2))["met"] is True


def test_a_reference_in_the_noise_gives_no_ratio():
    found = summary([(3, 0), (3, -1)], Goal(most=2))
    assert (found["ratio"], found["met"]) == (None, None)
    assert summary([(3, -1), (2, 1)], Goal(most=2))["ratio"] == 2


def test_one_lost_frame_in_any_round_misses_the_target():
    goal = Goal(most=0, of_value=True)
    assert summary([(0, 7), (0, 7)], goal)["met"] is True
    assert summary([(0, 0), (1, 0), (0, 0)], goal)["met"] is False


def test_the_table_says_what_was_met():
    lines = report.table({"figures": [summary([(3, 1)], Goal(most=2)), summary([(1, 1)], Goal(most=2))]}).splitlines()
    assert "| 3.00  | 3.00 .. 3.00 | <= 2   | MISSED |" in lines[2]
    assert "| 1.00  | 1.00 .. 1.00 | <= 2   | met    |" in lines[3]
