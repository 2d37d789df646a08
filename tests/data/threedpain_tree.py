"""Small copies of the released 3DPain in both layouts. Labels are functions of the name."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from pain3d.streams import stream

SUBJECTS, PAINS, VIEWS = ("flame_sample_0000", "flame_sample_0001", "flame_sample_0002"), 2, 2
SPLITS = {"flame_sample_0000": 0, "flame_sample_0001": 1, "flame_sample_0002": 2}
UNITS = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43")


def units(subject: str, pain: int) -> dict[str, int]:
    start = int(subject[-4:]) + pain
    return {name: (start + place) % (2 if name == "AU43" else 6) for place, name in enumerate(UNITS)}


def pspi(subject: str, pain: int) -> int:
    own = units(subject, pain)
    return own["AU4"] + max(own["AU6"], own["AU7"]) + max(own["AU9"], own["AU10"]) + own["AU43"]


def jpeg(name: str) -> bytes:
    pixels = stream(0, "3dpain", name).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def contents() -> dict[str, bytes]:
    """Every file of the flat layout by its path below pain_faces."""
    files: dict[str, bytes] = {}
    for subject in SUBJECTS:
        for kind in ("neutral", *(f"pain_{number}" for number in range(1, PAINS + 1))):
            for view in range(VIEWS):
                name = f"{subject}_{kind}_textured_view_{view:03d}_inpainted.jpg"
                files[f"meshes_inpainted/{name}"] = jpeg(name)
        for pain in range(1, PAINS + 1):
            record = {**units(subject, pain), "PSPI": pspi(subject, pain)}
            files[f"annotations/{subject}_pain_{pain}_annotations.json"] = json.dumps(record).encode()
    return files


def split_csv() -> str:
    rows = [f"{subject}_pain_{pain},{SPLITS[subject]}" for subject in SUBJECTS for pain in range(1, PAINS + 1)]
    return "\n".join(["annotation_base_name,split", *rows, ""])


def flat(root: Path) -> Path:
    for name, content in contents().items():
        path = root / "pain_faces" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (root / "uniform_data_70_20_10_split.csv").write_text(split_csv())
    return root


def hub(root: Path, extra: dict[str, bytes] | None = None) -> Path:
    """images/ and annotations/ as two tar archives each; `extra`: further members of the first of images."""
    files = contents()
    for folder, part in (("images", "meshes_inpainted"), ("annotations", "annotations")):
        names = sorted(name for name in files if name.startswith(part))
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number, half in enumerate((names[::2], names[1::2])):
            members = {name: files[name] for name in half}
            if folder == "images" and number == 0:
                members |= extra or {}
            tar(root / folder / f"{folder}_{number:05d}.tar.gz", members)
    (root / "splits").mkdir(exist_ok=True)
    (root / "splits" / "official.csv").write_text(split_csv())
    return root


def tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
