"""Write requirements.lock: every pin of constraints.txt with the SHA-256 of the file that pip takes for it here.

    python tools/hash_pins.py

Run it after constraints.txt has changed; `pytest tests/test_supply_chain.py` says so. pip finds the files and their
hashes itself, and installs nothing. It takes some minutes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINS, LOCK = ROOT / "constraints.txt", ROOT / "requirements.lock"

HEAD = """\
# Made by tools/hash_pins.py from constraints.txt: do not edit. For CPython 3.11 on Linux x86_64.
#
#     pip install --require-hashes --no-deps -r requirements.lock
#     pip install --no-deps --no-build-isolation .
#
# torch is the CPU build, whose version says so (+cpu) and which PyTorch's own index serves; the file of that number on
# the public package index is built for CUDA, has other bytes, and is not taken. For CUDA, install with constraints.txt.
"""


def report_of(pins: Path) -> Sequence[Mapping[str, Any]]:
    """What pip would install for the pins, as its report tells: one entry each."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    done = subprocess.run(
        [*command, "--report", "-", "--requirement", str(pins)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)["install"]


def locked(report: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each file, by name.

    Raises:
        ValueError: for a file without a SHA-256.
    """
    for entry in sorted(report, key=lambda entry: entry["metadata"]["name"].lower()):
        about, file = entry["metadata"], entry["download_info"]["archive_info"]
        if "sha256" not in file["hashes"]:
            raise ValueError(f"{about['name']}: pip gave {sorted(file['hashes'])} for it, and no sha256")
        yield f"{about['name']}=={about['version']} --hash=sha256:{file['hashes']['sha256']}\n"


def main() -> None:
    """Write the lock."""
    LOCK.write_text(HEAD + "".join(locked(report_of(PINS))), encoding="utf-8")


if __name__ == "__main__":
    main()
