"""The rows of the table: what each one runs, in a round, and which figures it gives."""

import json
import subprocess
import time
from dataclasses import dataclass

import processes
from figures import Figures, Goal
from processes import CORES, Stage, descriptors

TRANSPORTS = ("sse", "grpc")
CHUNKS = 50  # of an answer that is not paced
PACED_CHUNKS = 64
PACED_GAP_MS = 20
ANSWER_SECONDS = PACED_CHUNKS * PACED_GAP_MS / 1000

# The targets of the issue that the bench was built for: of raw chunking, luna's share of nginx's.
FRAMES = {"sse": Goal(least=1.1), "grpc": Goal(least=0.9)}
CPU = {"sse": Goal(most=1.2), "grpc": Goal(most=1.3)}
FIRST_UNPACED = {"sse": Goal(most=1.6), "grpc": Goal(most=1.1)}
FIRST_PACED = {"sse": Goal(most=1.0), "grpc": Goal(most=1.1)}
BETWEEN = Goal(most=1.1)
MEMORY = Goal(most=1.5)
WORD = Goal(most=1.1)
REMEMBER_FIRST = Goal(most=2)
REMEMBER_FRAMES = Goal(least=0.9)
NONE_LOST = Goal(most=0, of_value=True)


@dataclass
class Run:
    """One run of the bench: how long its parts last, and what they found."""

    folder: object  # for what the processes write
    say: object  # told what is being measured
    warmup: float = 1.0
    seconds: float = 3.0  # a measurement of saturated streams
    answers: int = 8  # that one connection waits for, where they are paced
    paced_seconds: float = 5.0
    open_streams: int = 5000
    held_streams: int = 9000

    def __post_init__(self):
        self.figures = Figures()
        self.measurements = []
        self.failures = []
        self.row = self.round = None

    def load(self, stage, transport, target, streams, *flags, watcher=None):
        """Runs the load client against a target of the stage; its JSON. `watcher` is called once all streams
        are open."""
        self.say(f"{transport} {target}")
        # A thread of the client for each four cores: it costs a fraction of what it measures.
        command = [processes.TOOLS / "bench/bench-load", *stage.flags(transport, target), "--streams", streams]
        command += ["--frames", stage.chunks, "--threads", max(1, CORES // 4), "--warmup", self.warmup, *flags]
        client = subprocess.Popen(
            [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            if watcher and client.stdout.readline():
                watcher()
            out, err = client.communicate(timeout=300)
        finally:
            client.kill()
            client.wait()
        if client.returncode != 0:
            raise RuntimeError(f"{self.row}, {transport} {target}: {err.strip()}")
        result = json.loads(out.splitlines()[-1])
        labels = {"row": self.row, "round": self.round, "transport": transport, "target": target}
        self.measurements.append(labels | {"connections": streams} | result)
        if result["failures"] or result["lost"]:
            self.failures.append(
                f"{self.row}, {transport} {target}: {result['lost']} frames lost, {result['failures']} streams "
                f"failed: {result['first_failure']}"
            )
        return result

    def add(self, transport, title, unit, values, goal=None):
        self.figures.add(self.row, transport, title, unit, values, goal)

    def in_turn(self, targets):
        """Every other round the other way round, so that a drift of the machine hits all alike."""
        return targets if self.round % 2 == 0 else targets[::-1]

    def loads(self, stage, transport, targets, streams, *flags):
        return {target: self.load(stage, transport, target, streams, *flags) for target in self.in_turn(targets)}


def milliseconds(result, name, share):
    return result[name][share] / 1000


def added(results, target, share):
    """Microseconds that a target adds to the time to the first chunk."""
    return results[target]["first_us"][share] - results["direct"]["first_us"][share]


def add_first_chunk(run, transport, title, results, goal):
    for share in ("p50", "p99"):
        run.add(
            transport,
            f"{title}, {share}",
            "us",
            {target: added(results, target, share) for target in ("luna", "nginx")},
            goal if share == "p50" else None,
        )


def noise(run, rounds):
    with Stage(run.folder, CHUNKS, servers=("nginx", "nginx2")) as stage:
        for run.round in rounds:
            results = run.loads(stage, "sse", ("nginx2", "nginx"), 16, "--seconds", run.seconds)
            add_saturated(run, "sse", 16, {n: results[n] for n in ("nginx2", "nginx")}, None, None)


def first_unpaced(run, rounds):
    with Stage(run.folder, CHUNKS) as stage:
        for run.round in rounds:
            for transport in TRANSPORTS:
                flags = ("--seconds", run.seconds)
                results = run.loads(stage, transport, ("direct", "luna", "nginx"), 1, *flags)
                goal = FIRST_UNPACED[transport]
                add_first_chunk(run, transport, "added time to first chunk, 1 connection, unpaced", results, goal)


def first_paced(run, rounds):
    with Stage(run.folder, PACED_CHUNKS, gap_ms=PACED_GAP_MS) as stage:
        for run.round in rounds:
            for transport in TRANSPORTS:
                flags = ("--warmup", run.warmup + ANSWER_SECONDS, "--seconds", run.answers * ANSWER_SECONDS)
                results = run.loads(stage, transport, ("direct", "luna", "nginx"), 1, *flags)
                goal = FIRST_PACED[transport]
                add_first_chunk(run, transport, "added time to first chunk, 1 connection, paced", results, goal)


def add_saturated(run, transport, streams, results, frames_goal, cpu_goal):
    frames = {target: result["frames"] / result["seconds"] for target, result in results.items()}
    cpu = {target: 1000 * result["cpu_ms"] / max(1, result["requests"]) for target, result in results.items()}
    run.add(transport, f"frames/s, {streams} connections", "/s", frames, frames_goal)
    run.add(transport, f"CPU a request, {streams} connections", "us", cpu, cpu_goal)


def saturated(run, rounds):
    with Stage(run.folder, CHUNKS) as stage:
        for run.round in rounds:
            for streams in (16, 256):
                for transport in TRANSPORTS:
                    results = run.loads(stage, transport, ("luna", "nginx"), streams, "--seconds", run.seconds)
                    results = {target: results[target] for target in ("luna", "nginx")}
                    add_saturated(run, transport, streams, results, FRAMES[transport], CPU[transport])


def word(run, rounds):
    with Stage(run.folder, CHUNKS, servers=("luna", "luna word")) as stage:
        for run.round in rounds:
            for transport in TRANSPORTS:
                results = run.loads(stage, transport, ("luna word", "luna"), 16, "--seconds", run.seconds)
                named = {"word": results["luna word"], "raw": results["luna"]}
                add_saturated(run, transport, 16, named, None, WORD)


def beside_bare(run, stage, rounds, server, titles, saturated_at, first_goal=None, frames_goal=None):
    """A luna with more of its parts on against the one with none of them; `titles` of the two."""
    for run.round in rounds:
        for transport in TRANSPORTS:
            flags = ("--seconds", run.seconds)
            one = run.loads(stage, transport, ("direct", server, "luna"), 1, *flags)
            for share in ("p50", "p99"):
                values = (added(one, server, share), added(one, "luna", share))
                title = f"added time to first chunk, 1 connection, unpaced, {share}"
                goal = first_goal if share == "p50" else None
                run.add(transport, title, "us", dict(zip(titles, values)), goal)
            for streams in saturated_at:
                many = run.loads(stage, transport, (server, "luna"), streams, *flags)
                named = dict(zip(titles, (many[server], many["luna"])))
                add_saturated(run, transport, streams, named, frames_goal, None)


def remember(run, rounds):
    """luna with memory on against luna with memory off: all requests are one session's, whose last turns each
    prompt holds, and whose next each answer is."""
    servers, titles = ("luna", "luna memory"), ("memory", "without")
    with Stage(run.folder, CHUNKS, servers=servers) as stage:
        beside_bare(run, stage, rounds, "luna memory", titles, (16, 256), REMEMBER_FIRST, REMEMBER_FRAMES)
    streams = 500
    with Stage(run.folder, PACED_CHUNKS, gap_ms=PACED_GAP_MS, servers=servers) as stage:
        for run.round in rounds:
            for transport in TRANSPORTS:
                results = run.loads(stage, transport, servers, streams, *paced_flags(run))
                named = dict(zip(titles, (results["luna memory"], results["luna"])))
                frames = {title: result["frames"] / result["seconds"] for title, result in named.items()}
                run.add(transport, f"frames/s, {streams} paced", "/s", frames, REMEMBER_FRAMES)
                add_gaps(run, transport, streams, named, {})


def whole(run, rounds):
    """luna with emotion, translation, memory and cache against luna with none of them; each request asks something
    new of one session, is translated by a model server of its own, remembered and kept."""
    with Stage(run.folder, CHUNKS, servers=("luna", "luna whole")) as stage:
        check_whole(stage)
        beside_bare(run, stage, rounds, "luna whole", ("whole", "bare"), (16,))


def check_whole(stage):
    """Whether all is there that the row is about."""
    said = stage.ask("luna whole").decode()
    for part in ('"type": "emotion"', f'"type": "translation", "data": "{processes.TRANSLATION}"'):
        if part not in said:
            raise RuntimeError(f"luna did not say {part}: {said[:500]}")


def keep(stage):
    """luna has the answer in its cache, and nginx, where it is there, as a file of the same bytes."""
    stage.ask("luna cache")
    hit = stage.ask("luna cache")
    if hit.count(b"llm_chunk") != 1:
        raise RuntimeError(f"luna did not give the answer from its cache: {hit[:200]}")
    stage.chunks = 1
    if "nginx file" in stage.servers:
        stage.servers["nginx file"].file.write_bytes(hit)


def cached(run, rounds):
    """A cache hit, whole, against nginx that serves the same bytes as a file."""
    with Stage(run.folder, CHUNKS, servers=("luna cache", "nginx file")) as stage:
        keep(stage)
        for run.round in rounds:
            for streams in (1, 16):
                flags = ("--seconds", run.seconds)
                results = run.loads(stage, "sse", ("luna cache", "nginx file"), streams, *flags)
                named = {"luna": results["luna cache"], "nginx": results["nginx file"]}
                add_whole(run, streams, named)


def add_whole(run, streams, results):
    answers = {target: result["requests"] / result["seconds"] for target, result in results.items()}
    cpu = {target: 1000 * result["cpu_ms"] / max(1, result["requests"]) for target, result in results.items()}
    whole = {target: result["whole_us"]["p50"] for target, result in results.items()}
    where = "connection" if streams == 1 else "connections"
    run.add("sse", f"cached answers/s, {streams} {where}", "/s", answers)
    run.add("sse", f"CPU a cached answer, {streams} {where}", "us", cpu)
    run.add("sse", f"whole cached answer, {streams} {where}, p50", "us", whole)


def paced(run, rounds):
    """At two loads. The streams start spread over an answer's time, so that their chunks come spread, too."""
    with Stage(run.folder, PACED_CHUNKS, gap_ms=PACED_GAP_MS) as stage:
        for run.round in rounds:
            for streams in (200, 500):
                for transport in TRANSPORTS:
                    results = run.loads(stage, transport, ("direct", "luna", "nginx"), streams, *paced_flags(run))
                    add_first_chunk(run, transport, f"added time to first chunk, {streams} paced", results, None)
                    pair = {target: results[target] for target in ("luna", "nginx")}
                    add_gaps(run, transport, streams, pair, {"p99": BETWEEN} if streams == 500 else {})


def paced_flags(run):
    flags = ["--ramp", ANSWER_SECONDS, "--warmup", run.warmup + ANSWER_SECONDS, "--gaps"]
    return flags + ["--seconds", run.paced_seconds, "--per-connection", 10]


def add_gaps(run, transport, streams, results, goals):
    for share in ("p50", "p99"):
        gaps = {target: milliseconds(result, "gap_us", share) for target, result in results.items()}
        run.add(transport, f"between chunks, {streams} paced, {share}", "ms", gaps, goals.get(share))
    lost = {target: result["lost"] for target, result in results.items()}
    run.add(transport, f"frames lost, {streams} paced", "", lost, NONE_LOST)


def hold(run, transport, target, streams):
    """Opens so many streams, each of which has had one frame of two; the memory that they take, in bytes a
    stream ({"rss", "pss"}), and the client's result."""
    ramp = streams / 1250
    gap = ramp + 3 + streams / 2000  # ends before luna's llm.timeouts.gap_ms
    found = {}
    with Stage(run.folder, 2, gap_ms=int(gap * 1000), servers=(target,)) as stage:
        server = stage.servers[target]
        before = server.memory()
        start = time.monotonic()

        def all_open():
            after = server.memory()
            if time.monotonic() - start > gap:
                run.failures.append(f"{run.row}, {transport} {target}: too slow, not all streams were open at once")
            found.update({name: (after[name] - before[name]) / streams for name in after})

        flags = ("--once", "--ramp", ramp, "--per-connection", 100, "--sources", 10)
        result = run.load(stage, transport, target, streams, *flags, watcher=all_open)
    return found, result


def memory(run, rounds):
    """The servers are new each time: what an allocator keeps of earlier streams would hide what these take."""
    for run.round in rounds:
        for transport in TRANSPORTS:
            found = {}
            for target in run.in_turn(("luna", "nginx")):
                found[target], _ = hold(run, transport, target, run.open_streams)
            for name, goal in (("pss", MEMORY), ("rss", None)):
                values = {target: found[target][name] / 1024 for target in ("luna", "nginx")}
                title = f"memory a stream ({name.upper()}), {run.open_streams:,} open"
                run.add(transport, title, "KiB", values, goal)


def held(run, rounds):
    """Once: as many streams as are wanted, or as the descriptors allow; a stream takes two of them."""
    streams = min(run.held_streams, (descriptors() - 200) // 2)
    run.round = rounds[0]
    for transport in TRANSPORTS:
        open_at_once, lost = {}, {}
        for target in ("luna", "nginx"):
            _, result = hold(run, transport, target, streams)
            open_at_once[target] = result["open"]
            lost[target] = result["lost"]
        title = f"streams held ({streams:,} asked; descriptors: {descriptors():,})"
        run.add(transport, title, "", open_at_once, Goal(least=streams, of_value=True))
        run.add(transport, f"frames lost, {streams:,} held", "", lost, NONE_LOST)


def first_word(run, rounds):
    """As a cloud model is paced: 300 ms to the first chunk, then 40 a second; luna with its default chunking."""
    with Stage(run.folder, 120, first_ms=300, gap_ms=25, servers=("luna word",)) as stage:
        for run.round in rounds:
            for transport in TRANSPORTS:
                result = run.load(stage, transport, "luna word", 4, "--once", "--ramp", 0.1)
                times = {
                    "first word": milliseconds(result, "first_us", "p50"),
                    "whole answer": milliseconds(result, "whole_us", "p50"),
                }
                run.add(transport, "time to the first word, against the whole answer", "ms", times)


ROWS = {
    "noise": noise,
    "first-unpaced": first_unpaced,
    "first-paced": first_paced,
    "saturated": saturated,
    "word": word,
    "remember": remember,
    "whole": whole,
    "cached": cached,
    "paced": paced,
    "memory": memory,
    "held": held,
    "first-word": first_word,
}
