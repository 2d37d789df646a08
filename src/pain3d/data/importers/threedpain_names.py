"""Names of the released 3DPain dataset: the one place where meaning is read out of file names, or written into them.

meshes_inpainted/flame_sample_0000_pain_1_textured_view_000_inpainted.jpg
meshes_inpainted/flame_sample_0000_neutral_textured_view_000_inpainted.jpg
annotations/flame_sample_0000_pain_1_annotations.json
heatmaps/flame_sample_0000_pain_1_heatmap.png
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PICTURE = re.compile(
    r"(?P<subject>.+?)_(?:neutral|pain_(?P<pain>\d+))(?:_textured)?_view_(?P<view>\d+)(?:_inpainted)?\.(?:jpe?g|png)",
    re.IGNORECASE,
)
_BASE = re.compile(r"(?P<subject>.+?)_(?:neutral|pain_(?P<pain>\d+))(?:_.*)?")
ANNOTATION_ENDING = "_annotations.json"


@dataclass(frozen=True, kw_only=True, order=True)
class Face:
    """A subject's face with one expression."""

    subject: str
    """Such as flame_sample_0000."""
    pain: int
    """Number of the pain expression from 1 on; 0 is neutral."""

    @property
    def base(self) -> str:
        """What its files begin with, and what the split CSV names: flame_sample_0000_pain_1."""
        return f"{self.subject}_{f'pain_{self.pain}' if self.pain else 'neutral'}"

    def picture(self, view: int) -> str:
        """The file of its picture from a view."""
        return f"{self.base}_textured_view_{view:03d}_inpainted.jpg"

    def frame_id(self, view: int) -> str:
        """The frame id of an imported picture."""
        return f"{self.base}-view_{view:03d}"

    @property
    def annotation(self) -> str:
        """The file of its Action Units."""
        return f"{self.base}{ANNOTATION_ENDING}"

    @property
    def heatmap(self) -> str:
        """The file of its heatmap."""
        return f"{self.base}_heatmap.png"


def face_of_picture(name: str) -> tuple[Face, int] | None:
    """Face and view of a picture's file name; None if it is none."""
    match = _PICTURE.fullmatch(name)
    if match is None:
        return None
    return Face(subject=match["subject"], pain=int(match["pain"] or 0)), int(match["view"])


def face_of_base(text: str) -> Face | None:
    """The face that a name in the split CSV, or of an annotation, begins with; None if it is none."""
    match = _BASE.fullmatch(text)
    return None if match is None else Face(subject=match["subject"], pain=int(match["pain"] or 0))
