"""Documents agree: Korean with English, links with what is there, figures with the bench."""

import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/support"))

from documents import documents, read  # noqa: E402

KOREAN = [path for path in documents() if path.name.endswith(".ko.md")]
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
COMMENT = re.compile(r"\s*(#|//) .*$", re.MULTILINE)
BENCH = json.loads((ROOT / "tests/bench/results/bench.json").read_text())["figures"]


def name(path):
    return str(path.relative_to(ROOT))


def english(document):
    return document.with_name(document.name.replace(".ko.md", ".md"))


def shape(document):
    """What two documents that say the same have in common: headings by depth, tables by size, links, code."""
    prose, blocks = read(document)
    links = {link.partition("#")[0].replace(".ko.md", ".md") for link in LINK.findall("\n".join(prose))}
    return {
        "headings": [re.match("#+", line)[0] for line in prose if line.startswith("#")],
        "rows": [line.count("|") for line in prose if line.startswith("|")],
        "links": links - {"", document.name.replace(".ko.md", ".md")},  # each names the other
        "code": [(block.language, block.name, code_of(block)) for block in blocks],
    }


def code_of(block):
    """A block without its comments; nothing where it is a drawing."""
    return "" if block.language == "text" else COMMENT.sub("", block.text)


def anchors(document):
    """A document's headings as GitHub links to them."""
    headings = [line.lstrip("#").strip().lower() for line in read(document)[0] if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("korean", KOREAN, ids=name)
def test_korean_says_what_english_says(korean):
    assert shape(korean) == shape(english(korean))


@pytest.mark.parametrize("document", documents(), ids=name)
def test_links_lead_somewhere(document):
    text = "\n".join(read(document)[0])
    for link in LINK.findall(text):
        if re.match("https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path) if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("document", documents(), ids=name)
def test_what_is_shown_stands_in_a_fence(document):
    """Where tests/clients/test_blocks.py finds it."""
    assert [line for line in read(document)[0] if line.startswith("    ")] == []


def figure(row, transport, key, title=""):
    (found,) = [
        entry
        for entry in BENCH
        if (entry["row"], entry["transport"]) == (row, transport) and title in entry["title"]
    ]
    return found[key]


def test_the_streaming_guide_has_the_bench_s_figures():
    added = "1 connection, unpaced, p50"
    figures = {
        "first word": f"{figure('first-word', 'sse', 'first word'):,.0f} ms",
        "whole answer": f"{figure('first-word', 'sse', 'whole answer'):,.0f} ms",
        "its share": f"{100 * figure('first-word', 'sse', 'ratio'):.0f} %",
        "added time": f"{figure('first-unpaced', 'sse', 'luna', added):.0f} us",
        "added time, nginx": f"{figure('first-unpaced', 'sse', 'nginx', added):.0f} us",
        "added time, ratio": f"{figure('first-unpaced', 'sse', 'ratio', added):.2f}",
        "a stream's memory": f"{figure('memory', 'sse', 'luna', 'PSS'):.1f} KiB",
        "a stream's memory, gRPC": f"{figure('memory', 'grpc', 'luna', 'PSS'):.1f} KiB",
    }
    for guide in ("STREAMING.md", "STREAMING.ko.md"):
        text = (ROOT / "server/interaction" / guide).read_text()
        assert {what: value for what, value in figures.items() if value not in text} == {}, guide
