"""The examples that the emotion model is trained and judged by, each as (language, mark, labels, text)."""

import hashlib
import itertools
import lzma
import random
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
LABELS = (HERE / "data" / "labels.txt").read_text().split()
MOST_OF_A_PATTERN = 30


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
    for language in ("ko", "en"):
        labels = None
        for line in (HERE / "handwritten" / f"{language}.txt").read_text().splitlines():
            if line.startswith("== "):
                labels = line.removeprefix("== ")
                assert set(labels.split(",")) <= set(LABELS), line
            elif line and not line.startswith("#"):
                for text in expand(line):
                    yield language, "plain", labels, text


def bigrams(normalized):
    """What is left of a normalised text without spaces and marks, in pairs of letters."""
    letters = "".join(filter(str.isalnum, normalized))
    return {letters[i : i + 2] for i in range(len(letters) - 1)} or {letters or normalized}


def likeness(one, other):
    return len(one & other) / len(one | other)


def write(file, examples):
    file.write_text("".join("\t".join(example) + "\n" for example in examples))
