"""What a run found, as a table, as JSON and as a plot."""

import datetime
import json
import os
import platform
import re
import subprocess
from pathlib import Path

from processes import CORES, NGINX, ROOT

PLOT_TITLES = {"sse": "SSE, against nginx (proxy_pass; cached: a file)", "grpc": "gRPC, against nginx (grpc_pass)"}


def machine():
    def first(pattern, file):
        found = re.search(pattern, Path(file).read_text(), re.M)
        return found[1].strip() if found else ""

    said = subprocess.run([NGINX, "-v"], capture_output=True, text=True, check=True).stderr
    return {
        "cpu": first(r"^model name\s*: (.*)$", "/proc/cpuinfo"),
        "cores": CORES,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "system": first(r'^PRETTY_NAME="(.*)"$', "/etc/os-release"),
        "nginx": said.strip().rsplit("/", 1)[-1],
    }


def commit():
    """The commit, with "+" where tracked files differ from it (results do not count)."""

    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!tests/bench/results")
    return (git("rev-parse", "HEAD") or "unknown") + ("+" if changed else "")


def document(run, rounds, names, seconds):
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": commit(),
        "machine": machine(),
        "rounds": rounds,
        "rows": names,
        "seconds": round(seconds),
        "figures": run.figures.summaries(),
        "failures": run.failures,
        "measurements": run.measurements,
    }


def number(value):
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cells(figure):
    measured, reference = figure["rounds"]
    unit = f" {figure['unit']}".rstrip() if not figure["unit"].startswith("/") else figure["unit"]
    ratio = spread = "-"
    if figure["ratio"] is not None:
        ratio = f"{figure['ratio']:.2f}"
        spread = f"{figure['ratio_min']:.2f} .. {figure['ratio_max']:.2f}"
    met = {True: "met", False: "MISSED", None: ""}[figure["met"]]
    return [
        figure["title"],
        figure["transport"].replace("grpc", "gRPC").replace("sse", "SSE"),
        f"{measured} {number(figure[measured])}{unit}",
        f"{reference} {number(figure[reference])}{unit}",
        ratio,
        spread,
        figure["goal"] or "",
        met,
    ]


HEADINGS = ["", "", "measured", "reference", "ratio", "min .. max", "target", ""]


def table(found):
    """In Markdown, with columns that stand under each other on a terminal, too."""
    rows = [HEADINGS] + [cells(figure) for figure in found["figures"]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines) + "\n"


def heading(found):
    m = found["machine"]
    return (
        f"{found['date']}, commit {found['commit'][:12]}{'+' if found['commit'].endswith('+') else ''}, "
        f"{found['rounds']} rounds, {m['cores']} cores of {m['cpu']}, {m['memory_gib']} GiB, {m['system']}, "
        f"Linux {m['kernel']}, nginx {m['nginx']}"
    )


def write(found, folder):
    folder.mkdir(parents=True, exist_ok=True)
    page = f"{heading(found)}\n\n{table(found)}"
    if found["failures"]:
        page += "\n" + "\n".join(f"- {failure}" for failure in found["failures"]) + "\n"
    (folder / "bench.md").write_text(page)
    # One measurement a line.
    lists = {"figures": found["figures"], "measurements": found["measurements"]}
    head = json.dumps({name: value for name, value in found.items() if name not in lists}, indent=1)
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(entry) for entry in entries) + "\n]" for name, entries in lists.items()
    ]
    (folder / "bench.json").write_text(head.removesuffix("\n}") + ",\n" + ",\n".join(parts) + "\n}\n")
    plot(found, folder / "bench.svg")


def plot(found, file):
    """Each ratio with its spread and its target, SSE and gRPC side by side."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "luna"
    from matplotlib import pyplot

    shown = [f for f in found["figures"] if f["ratio"] is not None and "luna" in f["rounds"] and "held" not in f["title"]]
    titles = list(dict.fromkeys(figure["title"] for figure in shown))
    if not titles:
        return
    size = (11, 1.5 + 0.34 * len(titles))
    page, axes = pyplot.subplots(1, 2, figsize=size, sharey=True, layout="constrained")
    for axis, (transport, name) in zip(axes, PLOT_TITLES.items(), strict=True):
        axis.axvline(1, color="0.6", linewidth=1)
        for figure in shown:
            if figure["transport"] != transport:
                continue
            at = titles.index(figure["title"])
            color = {True: "tab:green", False: "tab:red", None: "tab:gray"}[figure["met"]]
            axis.plot([figure["ratio_min"], figure["ratio_max"]], [at, at], color=color, linewidth=5, alpha=0.35)
            axis.plot([figure["ratio"]], [at], "o", color=color)
            if figure["goal"]:
                axis.plot([float(figure["goal"].split()[-1])], [at], "|", color="black", markersize=14)
        axis.set_title(name)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.xaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "25" else "")
        axis.set_xlabel("luna / nginx; bar: all rounds, stroke: the target")
        axis.grid(axis="x", which="both", color="0.9")
    axes[0].set_yticks(range(len(titles)), [f"{t} (more is better)" if "/s" in t else t for t in titles])
    axes[0].invert_yaxis()
    page.suptitle(f"luna {found['commit'][:12]}, {found['date'][:10]}, {found['machine']['cores']} cores")
    page.savefig(file, metadata={"Date": None})


def refuse_debug_build(build):
    """Ends the program unless the server there is what `./run serve` builds."""
    cache, server = build / "CMakeCache.txt", build / "server/luna-server"
    settings = cache.read_text() if cache.exists() else ""
    if "CMAKE_BUILD_TYPE:STRING=Release\n" not in settings or "LUNA_SANITIZE:STRING=\n" not in settings:
        raise SystemExit(f"bench: {build} is no release build; only that is measured: cmake --preset release")
    if not server.exists() or any(word in server.read_bytes() for word in (b"__asan_", b"__tsan_")):
        raise SystemExit(f"bench: {server} is missing, or was built with sanitizers")
