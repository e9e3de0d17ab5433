#!/usr/bin/env python3
"""Runs every test and counts the cases; `./run test` builds what it needs and then becomes this.

The last line of output is `N passed, N failed`. A binary that crashes, hangs or says nothing about its
cases is a failed case of its own. Whatever fails, its words are shown.
"""

import base64
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import traceback
import xml.etree.ElementTree
from collections.abc import Callable
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
REPORTS = BUILD / "reports"
TOOLS = [BUILD / "tools" / "bin", BUILD / "tools" / "node_modules" / ".bin"]
BINARY_SECONDS = 300
PYTEST_SECONDS = 1500
LONG_PYTEST_SECONDS = 5400
FUZZ = ROOT / "tests" / "fuzz"
FUZZ_REPLAY_SECONDS = 120
FUZZ_SEARCH_SECONDS = 30
FUZZ_LONG_SEARCH_SECONDS = 900


class Count(NamedTuple):
    passed: int = 0
    failed: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed)


def say(text: str) -> None:
    print(text, flush=True)


def environment() -> dict[str, str]:
    path = os.pathsep.join([*map(str, TOOLS), os.environ["PATH"]])
    tsan = f"suppressions={ROOT}/tests/unit/tsan.suppressions"
    return {**os.environ, "PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "TSAN_OPTIONS": tsan}


def run(command: list[str], seconds: int, quiet: bool) -> tuple[int | str, str]:
    """How the command ended (its exit code, or words), and what it said unless it said so itself."""
    output = subprocess.PIPE if quiet else None
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return f"ended after {seconds} s without a result", (late.stdout or b"").decode(errors="replace")
    return done.returncode, (done.stdout or b"").decode(errors="replace")


def count_junit(report: pathlib.Path) -> Count:
    """Both GoogleTest and pytest write JUnit's format. A skipped case is counted in neither."""
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None and case.get("status") != "notrun":
            passed += 1
    return Count(passed, failed)


def run_cases(name: str, command: list[str], report: pathlib.Path, seconds: int, quiet: bool) -> Count:
    report.unlink(missing_ok=True)
    ended, words = run(command, seconds, quiet)
    count = Count()
    try:
        count = count_junit(report)
    except (FileNotFoundError, xml.etree.ElementTree.ParseError):
        if ended == 0:
            ended = "no report of its cases"
    if ended != 0 and count.failed == 0:
        count += Count(0, 1)  # a crash: the report, if any, knows nothing of it
    if count.passed + count.failed == 0:
        ended, count = "no case ran", Count(0, 1)
    if count.failed:
        say(f"{words.rstrip()}\nFAILED {name} (exit: {ended})")
    return count


def run_binaries(preset: str) -> Count:
    """Every test that CMake knows and that was built: the tsan preset builds only those without gRPC."""
    build = BUILD / preset
    listing = subprocess.run(
        ["ctest", "--test-dir", str(build), "--show-only=json-v1"], check=True, stdout=subprocess.PIPE
    )
    total = Count()
    for test in json.loads(listing.stdout)["tests"]:
        command = test.get("command", [])
        if not command or not os.access(command[0], os.X_OK):
            if preset == "debug":
                say(f"FAILED {test['name']}: it was not built")
                total += Count(0, 1)
            continue
        name = f"{preset}-{test['name']}"
        report = REPORTS / f"{name}.xml"
        start = time.monotonic()
        count = run_cases(
            name, [*command, "--gtest_brief=1", f"--gtest_output=xml:{report}"], report, BINARY_SECONDS, True
        )
        say(f"  {name}: {count.passed} passed, {count.failed} failed, {time.monotonic() - start:.1f} s")
        total += count
    return total


def run_pytest(folder: str) -> Count:
    report = REPORTS / f"pytest-{folder}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-ra", "-p", "no:cacheprovider", f"--junitxml={report}"]
    seconds = LONG_PYTEST_SECONDS if os.environ.get("LUNA_LONG") else PYTEST_SECONDS
    return run_cases(f"pytest {folder}", [*command, f"tests/{folder}"], report, seconds, False)


def fuzz(target: str, what: str, arguments: list[str], seconds: int) -> Count:
    """One run of a fuzzer, which is one case. What it finds stays under build/, and is shown."""
    binary = BUILD / "fuzz" / "tests" / "fuzz" / f"{target}_fuzzer"
    findings = BUILD / "fuzz-findings" / f"{target}-{what}"
    shutil.rmtree(findings, ignore_errors=True)
    findings.mkdir(parents=True)
    command = [str(binary), "-timeout=10", "-rss_limit_mb=2048", f"-artifact_prefix={findings}/", *arguments]
    start = time.monotonic()
    try:
        ended, words = run(command, seconds, True)
    except OSError as missing:
        ended, words = str(missing), ""
    found = sorted(findings.iterdir())
    passed = ended == 0 and not found
    replayed = re.findall(r"^Running: (.*)", words, re.MULTILINE)
    if not passed and replayed:
        found.append(pathlib.Path(replayed[-1]))
    progress = re.compile(r"^(#\d+\t|Running: |Executed |\tNEW_FUNC)")  # the words of a finding stand between
    lines = [line for line in words.splitlines() if not progress.match(line)]
    if not passed:
        say("\n".join(lines[:20] + ["..."] * (len(lines) > 220) + lines[max(20, len(lines) - 200) :]))
        for path in found:
            say(f"{path.relative_to(ROOT)}, in base64:\n{base64.b64encode(path.read_bytes()).decode()}")
        say(f"FAILED {what} of {target} (exit: {ended})")
    rounds = re.findall(r"^#(\d+)\t.*?(cov: \d+)", words, re.MULTILINE)
    reached = f", {rounds[-1][0]} inputs, {rounds[-1][1]}" if rounds else ""
    say(f"  {what} of {target}: {'passed' if passed else 'failed'}, {time.monotonic() - start:.0f} s{reached}")
    return Count(1, 0) if passed else Count(0, 1)


def fuzz_target(target: str, seconds: int) -> Count:
    """Replays the target's corpus, and searches from there; what is new goes to build/fuzz-corpus."""
    seeds = sorted(path for path in (FUZZ / "corpus" / target).glob("*") if path.is_file())
    if not seeds:
        say(f"FAILED replay of {target}: it has no corpus")
        return Count(0, 1)
    count = fuzz(target, "replay", [*map(str, seeds)], FUZZ_REPLAY_SECONDS)
    found = BUILD / "fuzz-corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    arguments = [f"-max_total_time={seconds}", str(found), str(seeds[0].parent)]
    words = FUZZ / f"{target}.dict"
    if words.exists():
        arguments.append(f"-dict={words}")
    return count + fuzz(target, "search", arguments, seconds + 120)


def run_fuzzers(seconds: int) -> Count:
    targets = sorted(path.stem for path in FUZZ.glob("*.cc"))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(lambda target: fuzz_target(target, seconds), targets)
        return sum(counts, Count())


def run_clang_tidy() -> Count:
    command = ["run-clang-tidy-16", "-quiet", "-p", str(BUILD / "debug")]
    # What g++ was told and clang does not know: a warning, and sanitizers whose headers are not installed.
    command += ["-extra-arg=-Wno-unknown-warning-option", "-extra-arg=-fno-sanitize=all"]
    command += [f"^{re.escape(str(ROOT))}/(server|client)/.*\\.cc$"]
    ended, words = run(command, 3600, True)
    if ended == 0:
        return Count(1, 0)
    say(f"{words.rstrip()}\nFAILED clang-tidy (exit: {ended})")
    return Count(0, 1)


def main() -> int:
    long = sys.argv[1:] == ["--long"]
    if long:
        os.environ["LUNA_LONG"] = "1"
    REPORTS.mkdir(parents=True, exist_ok=True)
    stages = [
        ("lint", lambda: run_pytest("lint")),
        ("unit tests under ASan and UBSan", lambda: run_binaries("debug")),
        ("unit tests under TSan", lambda: run_binaries("tsan")),
        ("integration tests", lambda: run_pytest("integration")),
        ("clients", lambda: run_pytest("clients")),
        ("chaos", lambda: run_pytest("chaos")),
        ("installation and package", lambda: run_pytest("install")),
        ("container", lambda: run_pytest("docker")),
        ("fuzz", lambda: run_fuzzers(FUZZ_LONG_SEARCH_SECONDS if long else FUZZ_SEARCH_SECONDS)),
        ("the bench's own tests", lambda: run_pytest("bench")),
    ]
    if long:
        stages.append(("clang-tidy", run_clang_tidy))

    total = Count()
    try:
        for title, stage in stages:
            total += run_stage(title, stage)
    except (Exception, KeyboardInterrupt):
        traceback.print_exc()
        total += Count(0, 1)
    say(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed else 0


def run_stage(title: str, stage: Callable[[], Count]) -> Count:
    say(f"== {title}")
    start = time.monotonic()
    count = stage()
    if count == Count():
        say(f"FAILED {title}: no case ran")
        count = Count(0, 1)
    say(f"== {title}: {count.passed} passed, {count.failed} failed, {time.monotonic() - start:.0f} s")
    return count


if __name__ == "__main__":
    sys.exit(main())
