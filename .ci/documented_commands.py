"""Run the fenced ``bash`` and ``python`` blocks of Markdown files, in order, and stop at the first that fails.

A block whose info string says more than the language (for example ``bash slow``) is not run. Blocks of one file share
one scratch folder, so that a tutorial may build on its earlier steps; blocks that install or test run in the project's
root.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FENCE = re.compile(r"^```(?P<language>bash|python)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
ROOT_COMMANDS = ("pip install", "pytest", "ruff", "pyright", "python benchmarks", "python examples")


def run_block(language: str, body: str, scratch: Path, root: Path) -> int:
    """Exit status of one block."""
    in_root = any(command in body for command in ROOT_COMMANDS)
    command = ["bash", "-euo", "pipefail", "-c", body] if language == "bash" else [sys.executable, "-c", body]
    return subprocess.run(command, cwd=root if in_root else scratch, check=False).returncode


def main(files: list[str]) -> int:
    """Run the blocks of all files; 0 when every one succeeded."""
    root = Path.cwd()
    for name in files:
        with tempfile.TemporaryDirectory() as scratch:
            for block in FENCE.finditer(Path(name).read_text()):
                print(f"-- {name}: {block['body'].strip()}", flush=True)
                started = time.monotonic()
                status = run_block(block["language"], block["body"], Path(scratch), root)
                print(f"-- exit {status} after {time.monotonic() - started:.0f} s", flush=True)
                if status:
                    return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
