"""The README's picture shows what `luna chat` shows today."""

import re

from draw_chat import PICTURE, draw, hold_chat


def without_times(svg):
    return re.sub(r"\d+\.\d\d&#160;s", "TIME", svg)


def test_the_picture_is_true(tmp_path):
    assert without_times(draw(hold_chat(tmp_path))) == without_times(PICTURE.read_text())
