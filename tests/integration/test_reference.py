"""config/README.md and config/README.ko.md say what the code that reads models.yaml says of itself."""

import re
import subprocess

import pytest

from processes import BUILD, ROOT, SERVER

LIST = BUILD / "tests/support/list-configuration"
MODELS_YAML = ROOT / "config/models.yaml"
PAGES = ["config/README.md", "config/README.ko.md"]
TYPES = {
    "whole number": "integer", "number": "number", "milliseconds": "milliseconds", "true or false": "bool",
    "text": "text", "one of these": "word", "list of texts": "texts",
    "정수": "integer", "수": "number", "밀리초": "milliseconds", "참/거짓": "bool",
    "문자열": "text", "이 가운데 하나": "word", "문자열 목록": "texts",
}  # fmt: skip
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


@pytest.fixture(scope="module")
def listed():
    output = subprocess.run([LIST], check=True, stdout=subprocess.PIPE, text=True).stdout
    return [line.split("\t") for line in output.splitlines()]


@pytest.fixture(scope="module")
def keys(listed):
    """Path -> (type, default, what is allowed), as the code has it."""
    return {path: tuple(rest) for kind, path, *rest in listed if kind == "key"}


@pytest.fixture(scope="module")
def variables(listed):
    return {name for kind, name, *_ in listed if kind == "variable"}


@pytest.fixture(scope="module")
def flags():
    """What --help names; the short forms say nothing more."""
    said = subprocess.run([SERVER, "--help"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return set(re.findall(r"^ *(?:-\w,)?(--[a-z-]+)", said, re.MULTILINE))


def tables(text):
    """The page's tables, each a list of rows, each a list of cells."""
    found, rows = [], []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif rows:
            found.append(rows[2:])
            rows = []
    return found


def first_words(rows):
    """The first cells' code, up to a space: a variable or a flag."""
    return [row[0].strip("`").split()[0] for row in rows]


def stated(rows):
    """As `keys`, from the first table of a page. Of a text what is allowed is told in words."""
    said = {}
    for path, kind, usual, allowed, *_ in rows:
        kind = TYPES[kind]
        if kind in ("integer", "number", "milliseconds"):
            allowed = allowed.replace("~", " to ")
        else:
            allowed = allowed.replace("`", "") if kind == "word" else ""
        said[path.strip("`")] = (kind, "" if usual in ('`""`', "—") else usual.strip("`"), allowed)
    return said


def differences(rows, keys):
    said = stated(rows)
    missing = [f"{path}: not in the table" for path in keys if path not in said]
    unknown = [f"{path}: not in the code" for path in said if path not in keys]
    wrong = [f"{path}: {said[path]}, but the code has {keys[path]}" for path in keys
             if path in said and said[path] != keys[path]]  # fmt: skip
    twice = [] if len(said) == len(rows) else ["a key stands there twice"]
    return missing + unknown + wrong + twice


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_every_key_with_its_type_default_and_bounds(page, keys):
    rows = tables((ROOT / page).read_text())[0]
    assert differences(rows, keys) == []
    assert list(stated(rows)) == list(keys)  # in the code's order


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_every_variable_and_flag(page, variables, flags):
    by_key, by_variable, by_flag = tables((ROOT / page).read_text())
    assert sorted(first_words(by_variable)) == sorted(variables)
    assert sorted(first_words(by_flag)) == sorted(flags)
    for cells in by_key:
        assert set(VARIABLE.findall(cells[4])) <= variables
        assert set(FLAG.findall(cells[4])) <= flags
    for name, what, *_ in by_variable + by_flag:
        changed = re.fullmatch(r"`([\w.]+)`", what)  # a key, and no more
        told = {cells[0] for cells in by_key if name.split()[0].strip("`") in re.split(r"[`,\s]+", cells[4])}
        assert not changed or told == {f"`{changed[1]}`"}, name


def test_the_pages_tell_the_same_of_every_key():
    english, korean = (tables((ROOT / page).read_text()) for page in PAGES)
    assert stated(english[0]) == stated(korean[0])
    names = [[VARIABLE.findall(row[4]) + FLAG.findall(row[4]) for row in page[0]] for page in (english, korean)]
    assert names[0] == names[1]
    assert all(cell for page in (english, korean) for row in page[0] for cell in (row[0], row[5]))


def test_the_comments_in_models_yaml_name_every_variable_and_the_true_bounds(keys, variables):
    text = MODELS_YAML.read_text()
    head = text[: text.index("\nllm:")]
    assert set(VARIABLE.findall(head)) == variables
    bounds = {path.rsplit(".", 1)[-1]: allowed for path, (_, _, allowed) in keys.items()}
    told = re.findall(r"^\s*(\w+): .*# (-?[\d.]+ to -?[\d.]+)\b", text, re.MULTILINE)
    assert len(told) >= 2
    assert [(key, bound) for key, bound in told if bounds[key] != bound] == []


KNOWN = {"a.b": ("integer", "1", "0 to 10"), "a.c": ("word", "x", "x, y"), "a.d": ("text", "", "")}
ROWS = [
    ["`a.b`", "whole number", "`1`", "0 to 10", "", "Is."],
    ["`a.c`", "one of these", "`x`", "`x`, `y`", "", "Is."],
    ["`a.d`", "text", '`""`', "not empty", "", "Is."],
]


def test_what_differs_is_named():
    assert differences(ROWS, KNOWN) == []
    assert differences(ROWS[1:], KNOWN) == ["a.b: not in the table"]
    assert differences([*ROWS, ["`a.e`", "text", "`x`", "", "", ""]], KNOWN) == ["a.e: not in the code"]
    assert differences([*ROWS, ROWS[0]], KNOWN) == ["a key stands there twice"]
    for wrong in ({2: "`2`"}, {3: "0 to 11"}, {1: "number"}):
        row = [wrong.get(i, cell) for i, cell in enumerate(ROWS[0])]
        assert len(differences([row, *ROWS[1:]], KNOWN)) == 1
    assert len(differences([ROWS[0], [*ROWS[1][:3], "`x`", "", ""], ROWS[2]], KNOWN)) == 1
