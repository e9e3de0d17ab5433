"""Includes point one way only: server/README.md, "Folders"."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Which folders of server/ a folder of server/ may include, beside itself and EVERYWHERE.
MAY_INCLUDE = {
    "base": set(),
    "config": set(),
    "telemetry": set(),
    "net": set(),
    "llm": {"net"},
    "emotion": {"net", "llm"},
    "translation": {"net", "llm"},
    "storage": set(),
    "memory": {"storage"},
    "cache": {"storage"},
    "auth": set(),
    "interaction": {"llm", "emotion", "translation", "memory", "cache"},
    "rpc": {"interaction", "llm", "memory", "cache", "emotion", "translation", "auth"},
    "grpc": {"interaction", "rpc", "auth"},
    "http": {"interaction", "rpc", "auth"},
}

# What every folder may include: the config structs, errors and UTF-8, metrics and the log line, and
# the loop that a coroutine runs on.
EVERYWHERE = re.compile(
    r"server/(config/config\.h|base/\w+\.h|telemetry/\w+\.h|net/(event_loop|task_group)\.h)"
)

# The composition root sees everything.
MAIN = "server/main.cc"

PROTO = re.compile(r"(luna/v1|google|grpc)/[\w/.]+\.pb\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def sources(root):
    """Path from the root -> text, of every C++ file of server/ and client/."""
    files = (
        path
        for top in ("server", "client")
        for path in sorted((root / top).rglob("*"))
        if path.suffix in (".cc", ".h") and "node_modules" not in path.parts
    )
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def allowed(path, included):
    if PROTO.fullmatch(included) or path == MAIN:
        return True
    top, folder = path.split("/")[:2]
    if included.split("/")[0] != top:
        return False
    if top == "client":
        return included.split("/")[1] == folder
    return (
        included.split("/")[1] in MAY_INCLUDE[folder] | {folder}
        or EVERYWHERE.fullmatch(included) is not None
    )


def find_cycle(graph):
    """One cycle of {node: {node, ...}} as a list that starts and ends with the same node, or None."""
    done = set()

    def walk(node, way):
        if node in way:
            return way[way.index(node) :] + [node]
        if node in done:
            return None
        for following in sorted(graph.get(node, ())):
            if cycle := walk(following, way + [node]):
                return cycle
        done.add(node)
        return None

    for node in sorted(graph):
        if cycle := walk(node, []):
            return cycle
    return None


def violations(files):
    """A line for each include that points the wrong way."""
    found = []
    between_files, between_folders = {}, {}
    for path, text in files.items():
        parts = path.split("/")
        if parts[0] == "server" and path != MAIN and parts[1] not in MAY_INCLUDE:
            found.append(f"{path}: server/{parts[1]} is no folder of MAY_INCLUDE")
            continue
        for included in INCLUDE.findall(text):
            if not allowed(path, included):
                found.append(f'{path}: may not include "{included}"')
            if included.startswith(("server/", "client/")):
                between_files.setdefault(path, set()).add(included)
                here, there = ("/".join(file.split("/")[:2]) for file in (path, included))
                if here != there:
                    between_folders.setdefault(here, set()).add(there)
    for graph in (between_files, between_folders):
        if cycle := find_cycle(graph):
            found.append("cycle: " + " -> ".join(cycle))
    return found


def test_includes_point_one_way():
    files = sources(ROOT)
    assert any(path.startswith("server/net/") for path in files)
    assert violations(files) == []


def test_what_the_table_allows_has_no_cycle():
    assert find_cycle(MAY_INCLUDE) is None


def test_an_allowed_include_is_no_violation():
    assert violations({
        "server/main.cc": '#include "server/http/server.h"\n#include "server/net/http_client.h"\n',
        "server/llm/gemini.cc": '#include "server/net/http_client.h"\n#include <vector>\n',
        "server/memory/memory.cc": '#include "server/config/config.h"\n#include "server/base/utf8.h"\n',
        "server/rpc/worker.h": '#include "server/net/event_loop.h"\n',
        "client/cpp/luna.cc": '#include "client/cpp/luna_client.h"\n#include "luna/v1/x.grpc.pb.h"\n',
    }) == []


def test_an_include_that_points_back_is_named():
    assert violations({"server/net/http_client.cc": '#include "server/llm/model.h"\n'}) == [
        'server/net/http_client.cc: may not include "server/llm/model.h"'
    ]


def test_a_transport_may_not_reach_the_provider():
    assert violations({"server/http/server.cc": '  # include "server/net/http_client.h"\n'})
    assert violations({"server/grpc/call.cc": '#include "server/llm/model.h"\n'})
    assert violations({"server/cache/cache.cc": '#include "server/config/parser.h"\n'})


def test_a_client_may_not_include_the_server():
    assert violations({"client/cpp/luna.cc": '#include "server/base/utf8.h"\n'})


def test_an_include_that_is_not_written_from_the_root_is_named():
    assert violations({"server/net/a.cc": '#include "event_loop.h"\n'})
    assert violations({"server/net/a.cc": '#include "../llm/model.h"\n'})


def test_an_unknown_folder_is_named():
    assert violations({"server/tools/a.cc": ""}) == [
        "server/tools/a.cc: server/tools is no folder of MAY_INCLUDE"
    ]


def test_a_cycle_between_files_is_named():
    assert violations({
        "server/net/a.h": '#include "server/net/b.h"\n',
        "server/net/b.h": '#include "server/net/a.h"\n',
    }) == ["cycle: server/net/a.h -> server/net/b.h -> server/net/a.h"]


def test_a_cycle_between_folders_is_named():
    assert violations({
        "server/net/event_loop.h": '#include "server/telemetry/metrics.h"\n',
        "server/telemetry/log.h": '#include "server/net/event_loop.h"\n',
    }) == ["cycle: server/net -> server/telemetry -> server/net"]
