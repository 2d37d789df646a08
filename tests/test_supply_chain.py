"""What is installed and what is given away: pins with hashes, and a wheel that is the same wherever it is built."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BUILT_FROM = (".gitignore", "LICENSE", "README.md", "pyproject.toml", "src")
LOCKED = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+) --hash=sha256:[0-9a-f]{64}")


def lines_of(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if line and not line.startswith("#")]


def test_every_pin_has_a_hash():
    pins = dict(line.split("==") for line in lines_of(ROOT / "constraints.txt"))
    found = [LOCKED.fullmatch(line) for line in lines_of(ROOT / "requirements.lock")]
    assert all(found)
    # A local label, as in 2.13.0+cpu, names the build of the pinned version.
    locked = {match["name"]: match["version"].partition("+")[0] for match in found if match}
    assert {name.lower(): version for name, version in locked.items()} == {
        name.lower(): version for name, version in pins.items()
    }, "constraints.txt has changed; run: python tools/hash_pins.py"


def test_torch_is_the_build_for_processors():
    assert [line for line in lines_of(ROOT / "requirements.lock") if line.startswith("torch==2.13.0+cpu --hash=")]


def source_in(folder: Path, *, mode: int, time_s: int) -> Path:
    """A copy of what a wheel is built from, written later and by somebody with other habits."""
    for name in BUILT_FROM:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            folder.mkdir(exist_ok=True)
            shutil.copyfile(path, folder / name)
    for path in folder.rglob("*"):
        path.chmod(0o777 & ~mode)
        os.utime(path, (time_s, time_s))
    return folder


def wheel_of(source: Path, umask: int) -> Path:
    out = source.parent / f"{source.name}-dist"
    out.mkdir()
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(
        [sys.executable, "-c", build, str(out)],
        cwd=source,
        check=True,
        env=environment,
        umask=umask,
        capture_output=True,
    )
    (wheel,) = out.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    pytest.importorskip("hatchling", reason="the builder comes with the extra test")
    folder = tmp_path_factory.mktemp("wheels")
    (folder / "elsewhere" / "deeper").mkdir(parents=True)
    first = source_in(folder / "here", mode=0o022, time_s=1_600_000_000)
    second = source_in(folder / "elsewhere" / "deeper" / "there", mode=0o077, time_s=1_750_000_000)
    return wheel_of(first, 0o022), wheel_of(second, 0o077)


def test_a_wheel_built_twice_is_the_same_wheel(wheels):
    first, second = (hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels)
    assert first == second


def test_a_wheel_holds_the_package_and_nothing_else(wheels):
    with zipfile.ZipFile(wheels[0]) as archive:
        names = set(archive.namelist())
    about = next(name.partition("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
    packed = {name for name in names if name.startswith("pain3d/")}
    tracked = subprocess.run(["git", "ls-files", "src/pain3d"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert packed == {line.removeprefix("src/") for line in tracked.stdout.splitlines() if (ROOT / line).exists()}
    assert names - packed == {
        f"{about}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    }
    for checkpoint in ("vitpain-tiny/model.safetensors", "skin-tiny/unet/diffusion_pytorch_model.safetensors"):
        assert f"pain3d/checkpoints/{checkpoint}" in packed


@pytest.mark.slow
def test_a_wheel_carries_the_studio_s_page_where_npm_has_built_it(tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    source = source_in(tmp_path / "source", mode=0o022, time_s=1_600_000_000)
    web = source / "src" / "pain3d" / "studio" / "web"
    for words in (["ci", "--ignore-scripts", "--no-audit", "--no-fund"], ["run", "build"]):
        subprocess.run(["npm", *words], cwd=web, check=True, capture_output=True)
    with zipfile.ZipFile(wheel_of(source, 0o022)) as archive:
        archive.extractall(tmp_path / "installed")
    installed = tmp_path / "installed" / "pain3d" / "studio"
    assert {"index.html", "main.js", "style.css"} <= {path.name for path in (installed / "page").iterdir()}
    assert not list(installed.rglob("node_modules"))
    asks = "from pain3d.studio.page import BUILT_IN, page; assert page() == BUILT_IN, page(); print(BUILT_IN)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", asks], env=environment, check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout.strip() == str(installed / "page")
