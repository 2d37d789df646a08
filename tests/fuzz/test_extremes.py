"""Contents that no mutation comes upon by chance, for every reader; and names, sizes and links that mean harm."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from law import hold
from PIL import Image
from readers import TARGETS

from pain3d.data.images import MAX_SIDE, check_decodes, decode_rgb
from pain3d.data.importers.threedpain import import_3dpain
from pain3d.errors import DataError, UserError
from pain3d.facs import Expression
from pain3d.model import checkpoint
from pain3d.pictures import read_picture
from pain3d.synth.part import Part

EXTREMES = {
    "nothing": b"",
    "zeros": bytes(4096),
    "no text": b"\xff\xfe\x00\xd8" * 64,
    "lists in lists": b"[" * 200_000,
    "objects in objects": b'{"a":' * 100_000,
    "a number of many digits": b"9" * 10_000,
    "null": b"null",
    "a list": b"[1, 2]",
    "an empty object": b"{}",
    "a line without an end": b"," * 300_000,
}


@pytest.mark.parametrize("name", TARGETS)
def test_extremes_are_refused_in_one_line_or_read(name: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    path = TARGETS[name].prepare(home)
    for content in list(EXTREMES.values())[:: 4 if TARGETS[name].slow else 1]:
        hold(TARGETS[name], home, path, content)


def png_of(width: int, height: int) -> bytes:
    """A picture of that size by its header, black, in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(MAX_SIDE + 1, 1), (2_000_000_000, 2_000_000_000), (16_000, 16_000)])
@pytest.mark.parametrize("read", [decode_rgb, check_decodes])
def test_pictures_that_would_fill_the_memory_are_refused_by_their_header(size: tuple[int, int], read) -> None:
    with pytest.raises(DataError):
        read(png_of(*size))


def test_a_bomb_given_by_a_user_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(16_000, 16_000))
    with pytest.raises(DataError, match="megapixels; shrink it first"):
        read_picture(tmp_path / "bomb.png")


def test_formats_that_run_other_programs_are_no_pictures(tmp_path: Path) -> None:
    """Pillow hands PostScript to Ghostscript."""
    Image.new("RGB", (8, 8)).save(tmp_path / "page.eps")
    with pytest.raises(DataError, match="is not a picture that can be read"):
        read_picture(tmp_path / "page.eps")


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


OUTSIDE = "../../flame_sample_0000_pain_1_annotations.json"
HOSTILE = {
    "a name that leads out": tar_of((tarfile.TarInfo(OUTSIDE), b"{}")),
    "a name from the root": tar_of((tarfile.TarInfo("/etc/flame_sample_0000_pain_1_annotations.json"), b"{}")),
    "a name of Windows": tar_of((tarfile.TarInfo("..\\..\\flame_sample_0000_pain_1_annotations.json"), b"{}")),
    "a drive": tar_of((tarfile.TarInfo("C:/flame_sample_0000_pain_1_annotations.json"), b"{}")),
    "a symbolic link": tar_of((link("flame_sample_0000_pain_1_annotations.json", "/etc/passwd", tarfile.SYMTYPE), b"")),
    "a hard link": tar_of((link("flame_sample_0000_pain_1_annotations.json", "/etc/passwd", tarfile.LNKTYPE), b"")),
    "a device": tar_of((link("flame_sample_0000_pain_1_annotations.json", "", tarfile.CHRTYPE), b"")),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_archives_write_nothing_outside(tmp_path: Path, content: bytes) -> None:
    home = tmp_path / "home"
    (home / "src" / "annotations").mkdir(parents=True)
    (home / "src" / "images").mkdir()
    (home / "src" / "annotations" / "a.tar").write_bytes(content)
    (home / "src" / "images" / "flame_sample_0000_neutral_view_000.jpg").write_bytes(b"")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DataError, match="do not trust this file"):
        import_3dpain(home / "src", home / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_member_that_unpacks_to_gigabytes_is_refused_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "src" / "annotations").mkdir(parents=True)
    (tmp_path / "src" / "images").mkdir()
    (tmp_path / "src" / "images" / "flame_sample_0000_neutral_view_000.jpg").write_bytes(b"")
    info = tarfile.TarInfo("flame_sample_0000_pain_1_annotations.json")
    info.size = 1 << 40
    (tmp_path / "src" / "annotations" / "a.tar").write_bytes(info.tobuf() + bytes(10_240))
    with pytest.raises(DataError, match=r"has 1,099,511,627,776 bytes, more than"):
        import_3dpain(tmp_path / "src", tmp_path / "out")


def test_a_configuration_that_no_memory_holds_is_refused_before_it_is_built(tmp_path: Path) -> None:
    path = TARGETS["model, config"].prepare(tmp_path)
    told = json.loads(path.read_text())
    for changes in (
        {"hidden_size": 16_384, "heads": 2},
        {"layers": 16_384},
        {"layers": 10**12},
        {"hidden_size": 2**63},
    ):
        asked = {**told, "config": {**told["config"], "backbone": {**told["config"]["backbone"], **changes}}}
        path.write_text(json.dumps(asked))
        with pytest.raises(DataError):
            checkpoint.load(tmp_path / "model")


def test_an_hdf5_file_that_claims_terabytes_is_refused(tmp_path: Path) -> None:
    path = TARGETS["HDF5 annotations"].prepare(tmp_path)
    with h5py.File(path, "a") as file:
        del file["index"]
        file.create_dataset("index", shape=(1 << 40,), dtype=np.int64, chunks=(1 << 20,))
    assert not hold(TARGETS["HDF5 annotations"], tmp_path, path, path.read_bytes())


@pytest.mark.parametrize(
    "text", ["AU4=nan", "AU4=1e999", "AU99=1", "AU4=3=3", "AU4", "=", "AU4=\ud800", "AU43=.5", "AU4=9" * 9]
)
def test_words_for_expressions_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        Expression.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["9" * 5000 + "/1", "1/" + "9" * 5000, "١/٢", "1/2\n", "0/0"])
def test_words_for_parts_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError):
        Part.parse(text)
