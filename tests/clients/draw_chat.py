#!/usr/bin/env python3
"""Draws client/cpp/chat.svg, the picture in the README: the real `luna chat`, on a terminal, at the real luna-server.
What the model says stands below; the fake provider says it at the pace of a cloud model, 300 ms to the first piece,
then 40 a second.

    LUNA_BUILD=build/debug build/venv/bin/python tests/clients/draw_chat.py
"""

import fcntl
import html
import io
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

INTEGRATION = Path(__file__).parents[1] / "integration"
sys.path.append(str(INTEGRATION))

from processes import CLIENT, ROOT, FakeProvider, LunaServer, clean_environment  # noqa: E402

PICTURE = ROOT / "client/cpp/chat.svg"
COLUMNS, ROWS = 78, 24
COLUMN = 12.2  # units of rich's SVG
SECONDS = 60

# What the person says, what the model does, and what the translator.
CHAT = [
    (
        "내일 발표가 있어서 너무 떨려 ㅠㅠ",
        "많이 긴장되시겠어요. 숨을 크게 들이쉬고, 첫 문장만 소리 내어 연습해 볼까요?",
        "I have a presentation tomorrow and I'm so nervous.",
    ),
    (
        "고마워! 덕분에 마음이 놓여 😊",
        "다행이에요. 지금처럼만 하면 내일도 잘하실 거예요. 응원할게요!",
        "Thank you! I feel relieved because of you.",
    ),
]
FIRST_MS, PIECE_MS, PIECE = 300, 25, 3  # a piece: characters

MODELS_YAML = """\
llm:
  api:
    gemini: {{model: gemini-2.5-flash, base_url: "{fake}/v1beta"}}
  servers:
    translator: {{url: "{translator}"}}
emotion: {{model_file: "{root}/config/emotion/model.bin"}}
data_dir: {data}
"""

# rich's, without fonts from the network, which a picture may not load.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font: 22px/{line_height}px D2Coding, "Noto Sans Mono CJK KR", monospace; }}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def script_of(text):
    pieces = [text[at : at + PIECE] for at in range(0, len(text), PIECE)]
    steps = [step for piece in pieces for step in ({"pause_ms": PIECE_MS}, {"text": piece})]
    return {"steps": [{"pause_ms": FIRST_MS}, *steps[1:], {"finish": "STOP"}, {"done": True}]}


class Terminal:
    """`luna chat` on a terminal of its own."""

    def __init__(self, server):
        pid, self._terminal = pty.fork()
        if pid == 0:
            env = clean_environment(LUNA_SERVER=server, LUNA_HISTORY="", TERM="xterm-256color", LANG="C.UTF-8")
            os.execve(CLIENT, ["luna", "chat"], env | {"NO_COLOR": ""})
        self._pid = pid
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.said = b""
        self._read = 0  # what of it was there before the last line was typed

    def wait_for_prompt(self):
        """Until it waits for a line: has written its prompt, and edits, so that what is typed is not echoed twice."""
        until = time.monotonic() + SECONDS
        while not (self.said[self._read :].endswith(b"> ") and self._edits()):
            assert time.monotonic() < until, self.said.decode()
            if select.select([self._terminal], [], [], 0.01)[0]:
                self.said += os.read(self._terminal, 4096)

    def _edits(self):
        return not termios.tcgetattr(self._terminal)[3] & termios.ICANON

    def type(self, line):
        self._read = len(self.said)
        os.write(self._terminal, line.encode() + b"\r")

    def leave(self):
        self.type("\x04")
        os.waitpid(self._pid, 0)
        os.close(self._terminal)


def hold_chat(folder):
    """What stands on the terminal at the end, with its colours."""
    fake, translator = FakeProvider(), FakeProvider()
    file = folder / "models.yaml"
    urls = {"fake": fake.url, "translator": translator.url}
    file.write_text(MODELS_YAML.format(**urls, root=ROOT, data=folder / "data"))
    server = LunaServer(file)
    terminal = Terminal(server.grpc)
    terminal.wait_for_prompt()
    for question, answer, translation in CHAT:
        fake.script(script_of(answer))
        translator.script({"steps": [{"text": translation}, {"finish": "STOP"}, {"done": True}]})
        terminal.type(question)
        terminal.wait_for_prompt()
    said = terminal.said.decode()
    terminal.leave()
    for process in (server, translator, fake):
        process.stop()
    return said


def draw(said):
    """A terminal's contents as an SVG."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi("$ luna chat\n" + said.replace("\r\n", "\n")))
    svg = console.export_svg(title="luna", theme=MONOKAI, code_format=SVG, unique_id="chat")
    svg = re.sub(r"<text[^>]*>\n</text>", "", svg)
    # rich counts a text's characters there, of which Hangul's are two columns wide.
    return re.sub(
        r'textLength="[^"]*"([^>]*)>([^<]*)<',
        lambda text: f'textLength="{COLUMN * cell_len(html.unescape(text[2])):.1f}" '
        f'lengthAdjust="spacingAndGlyphs"{text[1]}>{text[2]}<',
        svg,
    )


def main():
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(draw(hold_chat(Path(folder))))


if __name__ == "__main__":
    main()
