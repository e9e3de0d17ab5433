"""Every command and program in the documents, as it stands but for the server's addresses.

The word behind a block's fence says what happens to it:

    console       each `$ command` runs, and says what is shown below it; nothing shown: it succeeds. `...` is anything
    sh            each line runs, and succeeds
    python, go    a program; Go's is the inside of a function. It succeeds, and prints something
    yaml          a configuration that luna-server accepts
    json NAME     a file of that name, which the commands find
    text          nothing

A document has a folder that looks like a clone, and a server of its own, whose models are the fake provider."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from documents import documents, read
from package import WITHOUT_NETWORK, clean_clone
from processes import BUILD, ROOT, SERVER, FakeProvider, LunaServer, clean_environment
from scripts import END

SECONDS = 300

# What nobody runs here, and why. A command that begins like this is only read.
NOT_RUN = {
    r"(\w+=\S+ )*\./run\b": "it installs packages, builds luna and brings a model: counted by hand in a bare Debian",
    r"llama-server ": "an engine with a model",
    r"(docker|sudo) |(mkdir|cp|echo) .* docker/tls": "a container engine, and a certificate of one's own",
    r"(apt|systemctl) ": "root, and a system to install into: tests/install does it in one of its own",
}
# What the model says to whom the request's text holds this; first come, first served.
SAYS = {
    "인공지능의 미래": "인공지능의 미래는 매우 밝습니다.",
    "어디야?": "한국의 수도는 서울입니다.",
    "한국의 수도는?": "서울입니다.",
    "machine learning": "Machine learning is how a program learns from examples.",
    "내 이름은 민수야.": "반가워요, 민수님!",
    "내 이름이 뭐야?": "민수님이요.",
    "": "안녕하세요! 무엇을 도와 드릴까요?",
}
# What the translator says.
TRANSLATES = {
    "인공지능의 미래": "Explain the future of AI.",
    "한국의 수도는?": "What is the capital of Korea?",
    "": "Hello!",
}

# Documents whose server is configured as `./run` does it for a local model, which does not translate.
LOCAL = {"README.md", "README.ko.md"}
WITH_TOKENS = {"TOKENS.md", "TOKENS.ko.md"}

MODELS_YAML = """\
llm:
  mode: {mode}
  api:
    gemini: {{model: gemini-2.5-flash, base_url: "{fake}/v1beta"}}
  servers:
    main: {{url: "{fake}", alias: local}}
    {translator}
translation: {{wait_ms: 60000, deadline_ms: 60000}}
emotion: {{model_file: "{root}/config/emotion/model.bin"}}
auth: {{tokens_file: "{tokens}"}}
data_dir: {data}
"""

# What differs from one run to the next.
NEVER_THE_SAME = {
    r"\d{4}-\d\d-\d\dT[\d:.]+Z": "TIME",
    r'((?:_ms|_tokens|"created)": ?)\d+': r"\1N",
    r"luna_[\w-]{43}": "luna_TOKEN",
    r"\b[0-9a-f]{64}\b": "SHA256",
}

GO = """\
package main

import (
	"context"
	"fmt"
	"os"

	luna "luna.example/client/go"
	"luna.example/client/go/lunapb"
)

func run(ctx context.Context) error {
%s
	return nil
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"""


def answer(table, text):
    """A script by which a fake gives what the table has for a command or a program with that text."""
    return {"steps": [{"text": next(said for key, said in table.items() if key in text)}, *END]}


def commands_of(block):
    """(command, what is shown below it), in their order; a command ends at a line that does not end in a backslash."""
    found = []
    for line in block.text.splitlines():
        if found and found[-1][0].endswith("\\"):
            found[-1][0] += "\n" + line
        elif block.language == "sh" and line:
            found.append([line, []])
        elif line.startswith("$ "):
            found.append([line[2:], []])
        elif block.language == "console":
            assert found, f"{block}: output without a command"
            found[-1][1].append(line)
    return [(command, "\n".join(shown).strip()) for command, shown in found]


def reason_not_to(command):
    return next((reason for start, reason in NOT_RUN.items() if re.match(start, command)), None)


def agrees(shown, said):
    """Whether a command said what is shown."""
    for pattern, same in NEVER_THE_SAME.items():
        shown, said = re.sub(pattern, same, shown), re.sub(pattern, same, said)
    return re.fullmatch(".*".join(map(re.escape, shown.split("..."))), said.strip(), re.DOTALL) is not None


class Clone:
    """A folder that looks like a clone of luna that was built, where the blocks of one document run."""

    def __init__(self, folder, server, model, fake, translator):
        self.folder = folder
        self.server = server
        self.model = model  # what the fake says that it is
        self.fake, self.translator = fake, translator
        clean_clone(folder)
        shutil.copytree(ROOT / "client/go", folder / "client/go")
        (folder / "config").symlink_to(ROOT / "config")
        (folder / "build").mkdir()
        (folder / "build/release").symlink_to(BUILD)
        tools = [os.path.dirname(sys.executable), os.environ["PATH"]]
        self.env = clean_environment(
            LUNA_SERVER=server.grpc,
            PATH=":".join(tools),
            PYTHONIOENCODING="utf-8",
            PYTHONDONTWRITEBYTECODE="1",
            GOPROXY="off",
            HOME=str(folder),
            GOCACHE=os.environ.get("GOCACHE", os.path.expanduser("~/.cache/go-build")),
            **WITHOUT_NETWORK,
        )

    def here(self, text):
        """A text with this server's addresses."""
        return text.replace("localhost:8000", self.server.http).replace("localhost:50051", self.server.grpc)

    def run(self, block, *command, **more):
        """What a command prints."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.env | more, stdin=subprocess.DEVNULL, capture_output=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}: {(done.stdout + done.stderr).decode()}"
        return done.stdout.decode().replace("fake-1", self.model)

    def script(self, text):
        self.fake.script(answer(SAYS, text))
        self.translator.script(answer(TRANSLATES, text))

    def shell(self, block):
        for command, shown in commands_of(block):
            if reason_not_to(command):
                continue
            self.script(command)
            # What is exported stays so, as in the reader's shell.
            before, after = "[ ! -f .exported ] || . ./.exported", "status=$?; export -p >.exported; exit $status"
            said = self.run(block, "bash", "-c", f"{before}\n{self.here(command)}\n{after}")
            assert not shown or agrees(shown, said), f"{block}: {command}\nshown:\n{shown}\nsaid:\n{said}"

    def python(self, block):
        self.script(block.text)
        said = self.run(block, sys.executable, "-c", self.here(block.text), PYTHONPATH=":".join(sys.path))
        assert said.strip(), f"{block}: it prints nothing"

    def go(self, block):
        self.script(block.text)
        program = self.folder / "client/go/shown/main.go"
        program.parent.mkdir(exist_ok=True)
        program.write_text(GO % self.here(block.text))
        assert self.run(block, "go", "run", "-C", "client/go", "./shown").strip(), f"{block}: it prints nothing"

    def yaml(self, block):
        folder = self.folder / "configuration"
        folder.mkdir(exist_ok=True)
        (folder / "tokens").write_text(f"{'0' * 64} alice\n")
        (folder / "models.yaml").write_text(block.text)
        keys = {"GEMINI_API_KEY": "any", "AZURE_TRANSLATOR_KEY": "any"}
        self.run(block, SERVER, "--config", folder / "models.yaml", "--check-config", **keys)

    def json(self, block):
        assert block.name, f"{block}: a file has a name"
        (self.folder / block.name).write_text(block.text)

    def text(self, block):
        assert not re.search(r"^ *(\$ |curl |\./run)", block.text, re.MULTILINE), f"{block}: this looks like commands"


RULES = {
    "console": Clone.shell,
    "sh": Clone.shell,
    "python": Clone.python,
    "go": Clone.go,
    "yaml": Clone.yaml,
    "json": Clone.json,
    "text": Clone.text,
}
BLOCKS = {str(path.relative_to(ROOT)): read(path)[1] for path in documents()}


@pytest.fixture(scope="module")
def translator():
    translator = FakeProvider()
    yield translator
    translator.stop()


@pytest.fixture
def clone(request, fake, translator, tmp_path):
    name = request.param.rpartition("/")[2]
    local = name in LOCAL
    tokens = ""
    if name in WITH_TOKENS:
        tokens = tmp_path / "tokens"
        tokens.write_text(re.search(r"^[0-9a-f]{64} alice\n", (ROOT / request.param).read_text(), re.MULTILINE)[0])
        tokens.chmod(0o600)
    file = tmp_path / "models.yaml"
    values = {
        "mode": "server" if local else "api",
        "fake": fake.url,
        "translator": "" if local else f"translator: {{url: '{translator.url}'}}",
        "root": ROOT,
        "tokens": tokens,
        "data": tmp_path / "data",
    }
    file.write_text(MODELS_YAML.format(**values))
    server = LunaServer(file)
    (tmp_path / "clone").mkdir()
    yield Clone(tmp_path / "clone", server, "local" if local else "gemini-2.5-flash", fake, translator)
    server.stop()


WITH_BLOCKS = [(name, blocks) for name, blocks in BLOCKS.items() if blocks]


@pytest.mark.parametrize(("clone", "blocks"), WITH_BLOCKS, indirect=["clone"], ids=[name for name, _ in WITH_BLOCKS])
def test_the_blocks_of(clone, blocks):
    for block in blocks:
        assert block.language in RULES, f"{block}: no rule for ```{block.language}"
        RULES[block.language](clone, block)


def test_whatever_is_not_run_is_there():
    commands = [
        command
        for blocks in BLOCKS.values()
        for block in blocks
        if block.language in ("console", "sh")
        for command, _ in commands_of(block)
    ]
    assert [start for start in NOT_RUN if not any(re.match(start, command) for command in commands)] == []
