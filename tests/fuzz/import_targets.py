"""Importers: tables, pictures, text files, HDF5, archives."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import threedpain_tree
import unbc_tree
from law import Target
from PIL import Image

from pain3d.data.importers.folder import import_folder
from pain3d.data.importers.threedpain import import_3dpain
from pain3d.data.importers.unbc import import_unbc

TABLE = """file,subject,split,neutral,frame,PSPI,AU4,AU6,AU7,AU9,AU10,AU43,sex,age_years
a.png,one,train,a.png,1,0,0,0,0,0,0,0,female,40
b/b.png,one,train,a.png,2,7,3,1,2,1,1,1,female,40
"""
FEW = unbc_tree.FRAMES[:2]
WITHIN = FEW[0].within / f"{FEW[0].stem}"


def importing(read: Callable[[Path, bool], object]) -> Callable[[Path], None]:
    """What is bad is left out, and where something is left out, it is a reason to refuse if nothing may be."""

    def reading(home: Path) -> None:
        try:
            read(home, True)
            if (home / "out" / "skipped.csv").exists():
                shutil.rmtree(home / "out")
                read(home, False)
                raise AssertionError("what was skipped is not refused")
        finally:
            shutil.rmtree(home / "out", ignore_errors=True)

    return reading


def pictures(home: Path) -> Path:
    (home / "src" / "b").mkdir(parents=True)
    for name in ("a.png", "b/b.png"):
        Image.new("RGB", (12, 10), (200, 120, 90)).save(home / "src" / name)
    (home / "labels.csv").write_text(TABLE)
    return home / "src"


def folder(home: Path, skip_bad: bool) -> object:
    return import_folder(home / "src", home / "out", home / "labels.csv", skip_bad=skip_bad)


def table(home: Path) -> Path:
    pictures(home)
    return home / "labels.csv"


def unbc(home: Path, skip_bad: bool) -> object:
    return import_unbc(home / "src", home / "out", crop=False, skip_bad=skip_bad)


def archive(*place: str, ending: str) -> Target:
    def prepare(home: Path) -> Path:
        return unbc_tree.archive(home / "src", frames=FEW) / Path(*place) / f"{WITHIN}{ending}"

    return Target(prepare=prepare, read=importing(unbc), slow=True)


def hdf5(pattern: str) -> Target:
    def prepare(home: Path) -> Path:
        return next(unbc_tree.hdf5(home / "src", frames=FEW, past_the_end=0).glob(pattern))

    return Target(prepare=prepare, read=importing(unbc), slow=True)


def threedpain(home: Path, skip_bad: bool) -> object:
    return import_3dpain(home / "src", home / "out", skip_bad=skip_bad)


def scale(home: Path) -> Path:
    root = unbc_tree.archive(home / "src", frames=FEW)
    return root / "Sequence_Labels" / "VAS" / FEW[0].subject / f"{FEW[0].sequence}.txt"


def plain_tar(home: Path) -> Path:
    """Without compression, so that damage reaches what is in it."""
    root = threedpain_tree.hub(home / "src")
    path = min((root / "annotations").iterdir())
    content = gzip.decompress(path.read_bytes())
    path.unlink()
    plain = path.with_suffix("").with_suffix(".tar")
    plain.write_bytes(content)
    return plain


TARGETS: dict[str, Target] = {
    "table of a folder": Target(prepare=table, read=importing(folder), slow=True),
    "picture of a folder": Target(prepare=lambda home: pictures(home) / "a.png", read=importing(folder), slow=True),
    "UNBC picture": archive("Images", ending=".png"),
    "UNBC FACS": archive("Frame_Labels", "FACS", ending="_facs.txt"),
    "UNBC PSPI": archive("Frame_Labels", "PSPI", ending="_facs.txt"),
    "UNBC landmarks": archive("AAM_landmarks", ending="_aam.txt"),
    "UNBC scale": Target(prepare=scale, read=importing(unbc), slow=True),
    "HDF5 frames": hdf5("frames*"),
    "HDF5 annotations": hdf5("annotations*"),
    "HDF5 folds": hdf5("UNBC_CVFolds*"),
    "3DPain archive, packed": Target(
        prepare=lambda home: min((threedpain_tree.hub(home / "src") / "annotations").iterdir()),
        read=importing(threedpain),
        slow=True,
    ),
    "3DPain archive": Target(prepare=plain_tar, read=importing(threedpain), slow=True),
    "3DPain annotation": Target(
        prepare=lambda home: min((threedpain_tree.flat(home / "src") / "pain_faces" / "annotations").iterdir()),
        read=importing(threedpain),
        slow=True,
    ),
    "3DPain splits": Target(
        prepare=lambda home: next(threedpain_tree.flat(home / "src").glob("*.csv")),
        read=importing(threedpain),
        slow=True,
    ),
}
