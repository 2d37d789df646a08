"""A long, coverage-guided run: libFuzzer changes a file of one reader and keeps what reaches new lines.

    python tests/fuzz/atheris_run.py "manifest, audited" --seconds 600 --corpus CORPUS
    python tests/fuzz/atheris_run.py all --seconds 120 --corpus CORPUS

A finding ends the run of its reader with a traceback, and the file that did it lies in CORPUS. Needs atheris and Linux.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

LONGEST_S = 20
"""One file takes no longer."""
MOST_MB = 4096


def main() -> int:
    """Run one reader here, or all of them one after the other."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("target", help="name of a reader, or all")
    words.add_argument("--seconds", type=int, default=600, help="for each reader")
    words.add_argument("--corpus", type=Path, required=True, help="folder that keeps what was learnt")
    asked = words.parse_args()
    with atheris.instrument_imports(include=["pain3d"]):
        from readers import TARGETS
    if asked.target != "all":
        _run(asked.target, asked.seconds, asked.corpus)  # ends the process
    found = [name for name in TARGETS if not _run_beside(name, asked.seconds, asked.corpus)]
    print(f"{len(TARGETS)} readers, findings in {len(found)}: {', '.join(found) or 'none'}")
    return 1 if found else 0


def _run_beside(name: str, seconds: int, corpus: Path) -> bool:
    command = [sys.executable, __file__, name, "--seconds", str(seconds), "--corpus", str(corpus)]
    done = subprocess.run(command, capture_output=True, text=True)
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr) or re.findall(r"#(\d+)", done.stderr)
    reached = re.findall(r"cov: (\d+)", done.stderr) or ["0"]
    print(
        f"{name}: {runs[-1] if runs else 0} runs, {reached[-1]} places reached, exit status {done.returncode}",
        flush=True,
    )
    if done.returncode:
        print(done.stderr[-6000:], flush=True)
    return done.returncode == 0


def _run(name: str, seconds: int, corpus: Path) -> None:
    from law import hold
    from readers import TARGETS

    target = TARGETS[name]
    home = Path(tempfile.mkdtemp(prefix="pain3d-fuzz-")) / "home"
    home.mkdir()
    path = target.prepare(home)
    kept = corpus / re.sub(r"\W+", "-", name)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "sound").write_bytes(path.read_bytes())
    limits = [f"-max_total_time={seconds}", f"-timeout={LONGEST_S}", f"-rss_limit_mb={MOST_MB}"]
    more = [f"-artifact_prefix={kept}/", "-print_final_stats=1", f"-max_len={8 * path.stat().st_size}"]
    atheris.Setup([sys.argv[0], *limits, *more, str(kept)], lambda data: hold(target, home, path, data) and None)
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
