"""What the docs site takes from the program itself while it is built: the help of every command, a dataset's card.

Fences such as ``bash slow``, which the gate does not run, lose their second word: the site would not know them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

HELP = re.compile(r"^<!-- help: (?P<words>.*?) -->$", re.MULTILINE)
SECOND_WORD = re.compile(r"^```(bash|python) \w+$", re.MULTILINE)
CARD = "<!-- card of a dataset -->"
COLUMNS = 80  # what the page is wide
FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the marks of a page."""
    markdown = SECOND_WORD.sub(r"```\1", markdown)
    markdown = HELP.sub(lambda mark: f"```text\n{_said(*mark['words'].split(), '--help')}\n```", markdown)
    return markdown.replace(CARD, _card()) if CARD in markdown else markdown


def _said(*words: str) -> str:
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pain3d", *words]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.rstrip()
    return "\n".join(textwrap.fill(line, COLUMNS) if len(line) > COLUMNS else line for line in said.split("\n"))


def _card() -> str:
    """The card that a small dataset gets, a level deeper."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "faces"
        _said(*f"generate {out} --subjects 10 --expressions 2 --views 1 --resolution 64 --skin procedural".split())
        text = FRONT_MATTER.sub("", (out / "README.md").read_text(encoding="utf-8"))
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)
