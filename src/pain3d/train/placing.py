"""How the face of a frame is found: by landmarks, by a detector's box, or in the middle; one rule for a whole dataset.

Our own frames all have landmarks. Imported ones may have a box in their place, or neither. Which of the three rules
holds is read off all frames at once: a model is never trained on faces that were cut one way here and another way
there without anyone knowing.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from pain3d.errors import DataError
from pain3d.model.crop import CropPolicy, Square, square_of_box, square_of_landmarks, square_of_picture
from pain3d.places import Place

Placing = Literal["landmarks", "boxes", "centre"]
"""landmarks: every frame has them. boxes: every frame has landmarks or, in their place, the box of a detector (the
squares of the two agree to 3 %, see `CropPolicy`). centre: no frame has either, and each picture's central square is
taken, as for pictures that were cropped to the face before."""


def placing_of(
    path: Place, frame_ids: np.ndarray, landmarks: Bool[np.ndarray, " frame"], boxes: Bool[np.ndarray, " frame"]
) -> Placing:
    """The rule for a dataset, from which of its frames have landmarks and which a box.

    Raises:
        DataError: if some frames have landmarks or a box and others neither.
    """
    if landmarks.all():
        return "landmarks"
    found = landmarks | boxes
    if found.all():
        return "boxes"
    if not found.any():
        return "centre"
    first = frame_ids[int(np.flatnonzero(~found)[0])]
    raise DataError(
        f"{path}: {int((~found).sum()):,} of {len(found):,} frames have neither landmarks nor a face_box, {first} "
        f"first, while the others have; faces of one dataset are cut one way: import it without those frames, or "
        f"without looking for faces, and each picture's central square is taken"
    )


def square_of_frame(
    landmarks: Float[np.ndarray, "68 2"],
    box: Float[np.ndarray, "4"],
    picture: tuple[int, int] | None,
    policy: CropPolicy,
) -> Square:
    """The square of one frame.

    Args:
        landmarks: pixels; NaN where there are none.
        box: left, top, width, height, pixels; NaN where there is none; looked at where there are no landmarks.
        picture: width and height of the picture where the central square is to be taken; None: it is an error that
            there are neither landmarks nor box.

    Raises:
        ArgumentError: if landmarks or box are damaged.
    """
    if picture is not None:
        return square_of_picture(*picture)
    if np.isnan(landmarks).all() and not np.isnan(box).all():
        left, top, width, height = (float(value) for value in box)
        return square_of_box((left, top, left + width, top + height), policy)
    return square_of_landmarks(landmarks, policy)
