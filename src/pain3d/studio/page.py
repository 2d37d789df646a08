"""Page: what the browser loads, built from the sources in web/ by npm; the result is not kept in the repository."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from pain3d.errors import UserError
from pain3d.face.cache import cache_dir

WEB = Path(__file__).parent / "web"
"""Sources of the page: package.json, package-lock.json, build.mjs, src/."""
BUILT_IN = Path(__file__).parent / "page"
"""Where `npm run build` in web/ puts a page, which a wheel then carries."""
STAMP = "sources.sha256"
BUILDING = "building the page, once: npm fetches three.js (35 MB), which takes some seconds"
_LONGEST_S = 600.0


class NoPageError(UserError):
    """The page is not built, and cannot be built here."""


def page(say: Callable[[str], None] = lambda said: None) -> Path:
    """Folder of the built page: the one that came with the package, else the one in the user's cache, else built now.

    Args:
        say: told what begins, if something long begins.

    Raises:
        NoPageError: if there is none and npm is not there, or fails.
    """
    digest = sources_sha256()
    kept = cache_dir() / f"studio-page-{digest[:16]}"
    for folder in (BUILT_IN, kept):
        if _is_built(folder, digest):
            return folder
    say(BUILDING)
    return build(kept)


def build(into: Path) -> Path:
    """Build the page with npm, in a folder of its own that is removed again; `into` appears whole or not at all.

    Raises:
        NoPageError: if npm is not there, or fails.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent) as scratch:
        web, made = Path(scratch) / "web", Path(scratch) / "page"
        fetch(web)
        run_npm(["run", "build", "--", str(made)], web)
        try:
            made.replace(into)
        except OSError:  # another process was quicker, or what is there is damaged
            if not _is_built(into, sources_sha256()):
                shutil.rmtree(into)
                made.replace(into)
    return into


def fetch(web: Path) -> None:
    """Copy the sources to a folder, and there fetch what they are built with, in the versions of the lock file.

    Raises:
        NoPageError: if npm is not there, or fails.
    """
    for source in _sources():
        target = web / source.relative_to(WEB)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    run_npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund"], web)


def sources_sha256() -> str:
    """Of names and contents of the page's sources, as web/build.mjs writes it beside what it makes."""
    digest = hashlib.sha256()
    for source in _sources():
        digest.update(source.relative_to(WEB).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(source.read_bytes()).digest())
    return digest.hexdigest()


def _sources() -> list[Path]:
    return sorted([*WEB.glob("*.json"), *WEB.glob("*.mjs"), *(path for path in (WEB / "src").iterdir())])


def _is_built(folder: Path, digest: str) -> bool:
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text().strip() == digest


def run_npm(words: list[str], folder: Path) -> None:
    """Run npm in a folder.

    Raises:
        NoPageError: if npm is not there, or fails.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NoPageError(
            "npm: is not installed, and this installation comes without the built page; install Node.js 18 or later "
            "(it brings npm), then run pain3d studio again"
        )
    try:
        done = subprocess.run(
            [npm, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoPageError(
            f"npm: cannot be run ({error}); run it yourself: cd {WEB} && npm ci && npm run build"
        ) from None
    if done.returncode:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-6:])
        raise NoPageError(
            f"npm: {words[0]} failed, so that the page is not built; it needs the npm registry once. Run it "
            f"yourself: cd {WEB} && npm ci && npm run build\n{last}"
        )
