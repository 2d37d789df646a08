"""Commands of the README and the docs: those that no test runs are at least ones that the program understands."""

import re
import shlex
from pathlib import Path

import pytest

from pain3d import cli

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(bash|python)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(page, *block, id=f"{page.name}:{number}")
    for page in PAGES
    for number, block in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
]


def commands(body: str) -> list[list[str]]:
    """The words of each command of a shell script as plain as those of the docs."""
    found: list[list[str]] = [[]]
    lexer = shlex.shlex(body.replace("\\\n", " ").replace("\n", ";"), posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    for word in lexer:
        if set(word) <= set(";&|"):
            found.append([])
        else:
            found[-1].append(word)
    return [words for words in found if words]


def words_of(text: str) -> list[list[str]]:
    return commands(re.sub(r"(^|\s)#.*", "", text))


def test_a_script_is_taken_apart():
    text = "pip install x && pain3d demo  # comment\nsrun torchrun \\\n  -m pain3d train 'a b' # more\n"
    assert words_of(text) == [
        ["pip", "install", "x"],
        ["pain3d", "demo"],
        ["srun", "torchrun", "-m", "pain3d", "train", "a b"],
    ]


def test_there_are_blocks_of_every_kind():
    marks = {block.values[2] for block in BLOCKS}
    assert marks == {"", "slow", "elsewhere"} and len(BLOCKS) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_formatter_took_a_file_that_the_site_puts_in_for_python(page):
    """``--8<-- "file"`` in a block of Python parses, and is spaced like a sum, unless ``fmt: off`` stands before."""
    assert not re.search(r"^--8 +<", page.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize(("page", "language", "mark", "body"), BLOCKS)
def test_a_block_is_understood(page, language, mark, body):
    assert mark in ("", "slow", "elsewhere"), f"{page.name}: no mark is called {mark}"
    if language == "python":
        if "--8<--" not in body:
            compile(body, str(page), "exec")
        return
    for words in words_of(body):
        if "pain3d" in words[:1] or ("-m" in words and words[words.index("-m") + 1] == "pain3d"):
            asked = words[words.index("pain3d") + 1 :]
            assert asked == ["--version"] or cli.parsed(asked) is not None
        if words[0] == "python" and words[1].endswith(".py"):
            assert (ROOT / words[1]).is_file(), f"{page.name}: {words[1]}"
        if words[0] == "pytest":
            named = [word for word in words[1:] if word.startswith("tests/")]
            assert all((ROOT / word.split("::")[0]).exists() for word in named), f"{page.name}: {words}"
