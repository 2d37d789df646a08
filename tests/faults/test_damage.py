"""Files damaged while nobody is at them: what is damaged is made again, or the folder is left alone with a way out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from disturbed import OPTIONS, Run, Undisturbed, again_here, demand_whole, fingerprint

from pain3d import cli


@pytest.fixture(scope="module")
def under_way(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run left that was killed with everything it had started."""
    out = tmp_path_factory.mktemp("killed") / "OUT"
    run = Run(out)
    run.wait_for(4)
    run.send(9, to_all=True)
    run.ended()
    return out


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    """As some file systems leave a file that was not flushed."""
    path.write_bytes(b"")


def zeroed(path: Path) -> None:
    """As other file systems do."""
    path.write_bytes(bytes(path.stat().st_size))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0x10
    path.write_bytes(content)


DAMAGES = [cut, emptied, zeroed, flipped, Path.unlink]


@pytest.mark.parametrize("place", ["data/*.parquet", ".progress/*.json"])
def test_damaged_shards_and_notes_are_made_again(
    tmp_path: Path, whole: Undisturbed, under_way: Path, place: str
) -> None:
    """Each of the first files in its own way."""
    out = Path(shutil.copytree(under_way, tmp_path / "OUT"))
    for path, damage in zip(sorted(out.glob(place)), DAMAGES[:4], strict=False):
        damage(path)
    (out / "data" / ".train-00000-of-00007.parquet.1.tmp").write_bytes(b"half")
    again_here(out)
    demand_whole(out, whole)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("place", ["data/*.parquet", ".progress/*.json"])
def test_each_damage_alone(
    tmp_path: Path, whole: Undisturbed, under_way: Path, place: str, damage: Callable[[Path], None]
) -> None:
    out = Path(shutil.copytree(under_way, tmp_path / "OUT"))
    for path in out.glob(place):
        damage(path)
    again_here(out)
    demand_whole(out, whole)


@pytest.mark.parametrize("damage", [cut, emptied, zeroed])
def test_a_manifest_cut_short_is_refused_and_the_way_out_leads_out(
    tmp_path: Path,
    whole: Undisturbed,
    under_way: Path,
    capfd: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
) -> None:
    out = Path(shutil.copytree(under_way, tmp_path / "OUT"))
    damage(out / "manifest.json")
    before = fingerprint(out)
    assert cli.main(["generate", str(out), *OPTIONS]) == 2
    assert "restore it from a copy, or make the dataset anew in another folder; nothing was changed" in (
        capfd.readouterr().err
    )
    assert fingerprint(out) == before
    shutil.copy(under_way / "manifest.json", out)
    again_here(out)
    demand_whole(out, whole)
