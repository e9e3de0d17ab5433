"""The repository's Markdown: its documents, and the fenced blocks in them."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^( *)```(.*)$")
NOT_OURS = re.compile(r"build/|data/|\.|.*node_modules/")  # .gitignore names most of them


class Block(NamedTuple):
    """A fenced block. `language` and `name` are the words behind the fence: ```json history.json"""

    document: Path
    line: int
    language: str
    name: str
    text: str

    def __str__(self):
        return f"{self.document.relative_to(ROOT)}:{self.line}"


def documents():
    """Every Markdown file of the repository."""
    return [path for path in sorted(ROOT.rglob("*.md")) if not NOT_OURS.match(str(path.relative_to(ROOT)))]


def read(document):
    """A document as (its prose, line by line; its blocks)."""
    prose, blocks, inside = [], [], None
    for number, line in enumerate(document.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if inside is None and fence is None:
            prose.append(line)
        elif inside is None:
            inside = (number, len(fence[1]), fence[2].strip().partition(" "), [])
        elif fence is None:
            inside[3].append(line[inside[1] :])
        else:
            start, _, (language, _, name), lines = inside
            blocks.append(Block(document, start, language, name, "".join(text + "\n" for text in lines)))
            inside = None
    assert inside is None, f"{document}:{inside[0]}: a block without an end"
    return prose, blocks
