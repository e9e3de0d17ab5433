"""The examples that the emotion model is trained and judged by, each as (language, mark, labels, text).

No utterance of everyday.tsv, by which the model is judged, may be trained on: a comment that says the same once
both are normalised is left out, and so is a hand-written utterance that does or shares half of its pairs of
letters with one.
"""

import hashlib
import itertools
import lzma
import random
import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = HERE.parent.parent / "build" / "release" / "server" / "emotion"
LABELS = (HERE / "data" / "labels.txt").read_text().split()
MOST_OF_A_PATTERN = 30
TOO_LIKE = 0.5


def comments(part):
    """GoEmotions' comments: `part` is train or dev. English ones carry an id as a third column."""
    for language in ("ko", "en"):
        with lzma.open(HERE / "data" / f"{language}-{part}.tsv.xz", "rt", encoding="utf-8") as file:
            for line in file:
                text, numbers = line.rstrip("\n").split("\t")[:2]
                yield language, "plain", ",".join(LABELS[int(n)] for n in numbers.split(",")), text


def everyday():
    """The utterances that the model is judged by and never sees."""
    for line in (HERE / "everyday.tsv").read_text().splitlines():
        yield tuple(line.split("\t"))


def expand(pattern):
    """The texts that a pattern with {a|b|} stands for; of very many the same few each time."""
    parts = [part.split("|") if odd % 2 else [part] for odd, part in enumerate(re.split(r"\{([^{}]*)\}", pattern))]
    texts = sorted({" ".join("".join(choice).split()) for choice in itertools.product(*parts)} - {""})
    if len(texts) <= MOST_OF_A_PATTERN:
        return texts
    seed = int.from_bytes(hashlib.sha256(pattern.encode()).digest()[:8], "big")
    return sorted(random.Random(seed).sample(texts, MOST_OF_A_PATTERN))


def handwritten():
    for name in ("ko", "en", "emoji"):
        labels = None
        for line in (HERE / "handwritten" / f"{name}.txt").read_text().splitlines():
            if line.startswith("== "):
                labels = line.removeprefix("== ")
                assert set(labels.split(",")) <= set(LABELS), line
            elif line and not line.startswith("#"):
                for text in expand(line):
                    yield "ko" if re.search("[ㄱ-ㆎ가-힣]", text) else "en", "plain", labels, text


def normalize(texts):
    done = subprocess.run(
        [TOOLS / "emotion-train", "--normalize"],
        input="".join(f"{text}\n" for text in texts),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == len(texts)
    return lines


def pairs(rows):
    """What is left of each normalised text without spaces and marks, in pairs of letters."""
    for text in normalize([row[3] for row in rows]):
        letters = "".join(filter(str.isalnum, text))
        yield {letters[i : i + 2] for i in range(len(letters) - 1)} or {letters or text}


def likeness(one, other):
    return len(one & other) / len(one | other)


def training():
    """What is trained on: comments and hand-written utterances, without what everyday.tsv forbids."""
    judged_by = list(everyday())
    forbidden = set(normalize([row[3] for row in judged_by]))
    told = list(comments("train"))
    told = [row for row, text in zip(told, normalize([row[3] for row in told])) if text not in forbidden]
    judged = [(row[0], of_judged) for row, of_judged in zip(judged_by, pairs(judged_by))]
    written = list(handwritten())
    written = [
        row
        for row, mine in zip(written, pairs(written))
        if all(row[0] != language or likeness(mine, other) < TOO_LIKE for language, other in judged)
    ]
    return told, written


def least_alike_first(judged_by, trained_on):
    """`judged_by` in the order of its greatest likeness to a text of its language in `trained_on`."""
    known = {"ko": [], "en": []}
    for row, of_row in zip(trained_on, pairs(trained_on)):
        known[row[0]].append(of_row)
    greatest = [max(likeness(mine, other) for other in known[row[0]]) for row, mine in zip(judged_by, pairs(judged_by))]
    return [row for _, row in sorted(zip(greatest, judged_by))]


def write(file, examples):
    file.write_text("".join("\t".join(example) + "\n" for example in examples))
