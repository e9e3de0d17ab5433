"""How many tokens a text has: luna's estimate against real tokenisers."""

import json
import statistics
import subprocess

import pytest

from processes import BUILD, ROOT

ESTIMATE = BUILD / "tests/support/estimate-tokens"
# gpt-tokenizer carries the vocabularies.
COUNT = """
import * as o200k from 'gpt-tokenizer/encoding/o200k_base'
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base'
import { readFileSync } from 'node:fs'
const lines = readFileSync(0, 'utf8').trim().split('\\n')
console.log(JSON.stringify(lines.map((line) => [o200k.encode(line).length, cl100k.encode(line).length])))
"""
TOGETHER = 5  # utterances in a passage


def passages(language):
    """What people say to a companion, some utterances in a line."""
    lines = (ROOT / "config/emotion/everyday.tsv").read_text().splitlines()
    said = [line.split("\t") for line in lines if line and not line.startswith("#")]
    texts = [fields[-1] for fields in said if is_korean(fields[-1]) == (language == "ko")]
    return [" ".join(texts[start : start + TOGETHER]) for start in range(0, len(texts) - TOGETHER, TOGETHER)]


def is_korean(text):
    return any("가" <= letter <= "힣" for letter in text)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_estimate_is_within_a_factor_of_one_and_a_half(language):
    texts = passages(language)
    assert len(texts) >= 10
    text = "\n".join(texts).encode()
    estimates = [int(number) for number in subprocess.run([ESTIMATE], input=text, capture_output=True, check=True, timeout=60).stdout.split()]
    node = ["node", "--input-type=module", "-e", COUNT]
    counted = subprocess.run(node, input=text, capture_output=True, check=True, timeout=60, cwd=ROOT / "build/tools")
    pairs = json.loads(counted.stdout)
    assert len(pairs) == len(estimates) == len(texts)
    for vocabulary in (0, 1):
        ratios = [estimate / pair[vocabulary] for estimate, pair in zip(estimates, pairs)]
        seen = f"{min(ratios):.2f} to {max(ratios):.2f}, median {statistics.median(ratios):.2f}"
        assert 1 / 1.5 <= min(ratios) and max(ratios) <= 1.5, seen
