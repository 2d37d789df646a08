"""Run the fenced ``bash`` and ``python`` blocks of Markdown files, in order, and stop at the first that fails.

    python .ci/documented_commands.py [--slow] FILE...

Blocks marked slow (``bash slow``) take minutes, or repeat what tests do: they are run with --slow. Blocks marked
elsewhere need what a machine of ours has not (a cluster, a bucket, a GPU, the reader's own files): they are not run;
`tests/test_docs.py` sees to it that the program would understand their commands. Blocks of one file share one scratch
folder, so that a tutorial may build on its earlier steps; blocks that install or test run in the project's root.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FENCE = re.compile(
    r"^```(?P<language>bash|python)(?: (?P<mark>slow|elsewhere))?\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
ROOT_COMMANDS = ("pip install", "pytest", "ruff", "pyright", "python benchmarks", "python examples", "python tests")


def run_block(language: str, body: str, scratch: Path, root: Path) -> int:
    """Exit status of one block."""
    in_root = any(command in body for command in ROOT_COMMANDS)
    command = ["bash", "-euo", "pipefail", "-c", body] if language == "bash" else [sys.executable, "-c", body]
    return subprocess.run(command, cwd=root if in_root else scratch, check=False).returncode


def main(words: list[str]) -> int:
    """Run the blocks of all files; 0 when every one succeeded."""
    root = Path.cwd()
    marks = (None, "slow") if "--slow" in words else (None,)
    for name in (word for word in words if word != "--slow"):
        with tempfile.TemporaryDirectory() as scratch:
            for block in FENCE.finditer(Path(name).read_text()):
                if block["mark"] not in marks:
                    continue
                print(f"-- {name}: {block['body'].strip()}", flush=True)
                started = time.monotonic()
                status = run_block(block["language"], block["body"], Path(scratch), root)
                print(f"-- exit {status} after {time.monotonic() - started:.0f} s", flush=True)
                if status:
                    return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
