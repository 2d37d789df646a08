"""The one table that every figure is computed from: a frame a row, truth and prediction side by side, no pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from pain3d.data.manifest import Manifest
from pain3d.data.reader import Dataset
from pain3d.demographics import SPLITS
from pain3d.errors import DataError
from pain3d.expressions import confound_name, distractor_name
from pain3d.facs import PAIN_AUS

NeutralPolicy = Literal["none", "other_view", "same_view", "reference"]
"""Where the neutral reference comes from. ``same_view`` is pixel-aligned with the scored frame: an oracle.
``reference`` is the frame that neutral_frame_id names, whatever its label, and is left out of scoring."""

RECORDED = "recorded"
"""Kind of all frames of an imported dataset, which does not tell what was posed."""

AU_COLUMNS: tuple[str, ...] = tuple(f"pred_{name}" for name in PAIN_AUS)
LOGIT_COLUMNS: tuple[str, ...] = ("logit_1", "logit_2", "logit_3")
"""Ordinal logits of PSPI >= 1, 2, 3."""

TRUTH_COLUMNS: tuple[str, ...] = (
    *("frame_id", "subject_id", "split", "expression_id", "view_id", "age_years", "age_band", "sex", "ethnicity"),
    *("skin_tone_mst", "yaw", "pitch", "roll", "PSPI", *PAIN_AUS),
)
"""Columns taken from the dataset as they are."""


def truth_table(dataset: Dataset, subjects: Sequence[str] | None = None) -> pa.Table:
    """The labels of a dataset's frames, with `kind` (neutral, pain, distractor, confound) and `expression`, its name.

    Frames of clips have their `frame_index` besides. Frames of an imported dataset are all of the kind `RECORDED`, and
    what the dataset does not tell is null.

    Raises:
        DataError: if there are no frames.
    """
    table = dataset.labels((*TRUTH_COLUMNS, *["frame_index"] * (dataset.manifest.clips is not None)))
    if subjects is not None:
        wanted = set(subjects)
        table = table.filter(pa.array([subject in wanted for subject in table.column("subject_id").to_pylist()]))
    if not len(table):
        splits = {split: dataset.manifest.rows_of(split) for split in SPLITS}
        filled = ", ".join(f"{split} ({rows})" for split, rows in splits.items() if rows)
        raise DataError(
            f"{dataset.path}: no frames to evaluate on; the splits with frames are {filled or 'none'}: choose one of "
            f"them, all of them (--split all, in Python split=None, for a dataset that the model never saw), or make "
            f"10 subjects or more"
        )
    if dataset.manifest.source is not None:
        kinds = pa.array([RECORDED] * len(table), pa.string())
        return table.append_column("kind", kinds).append_column("expression", kinds).replace_schema_metadata(None)
    numbers = [int(subject[1:]) for subject in table.column("subject_id").to_pylist()]
    ids = table.column("expression_id").to_pylist()
    named = [what_it_is(dataset.manifest, *pair) for pair in zip(numbers, ids, strict=True)]
    table = table.append_column("kind", pa.array([kind for kind, _ in named], pa.string()))
    table = table.append_column("expression", pa.array([name for _, name in named], pa.string()))
    return table.replace_schema_metadata(None)


def what_it_is(manifest: Manifest, subject: int, expression_id: int) -> tuple[str, str]:
    """Kind and name of a subject's expression: neutral, pain, or the name of its distractor or confound."""
    design, seed = manifest.made, manifest.seed
    if expression_id == 0:
        return "neutral", "neutral"
    if expression_id <= design.expressions:
        return "pain", "pain"
    slot = expression_id - design.expressions - 1
    if slot < design.distractors:
        return "distractor", distractor_name(subject, slot, distractors=design.distractors, seed=seed)
    slot -= design.distractors
    return "confound", confound_name(subject, slot, confounds=design.confounds, seed=seed)


def with_predictions(
    truth: pa.Table,
    *,
    pspi: Float[np.ndarray, " frame"],
    aus: Float[np.ndarray, "frame 6"] | None = None,
    logits: Float[np.ndarray, "frame 3"] | None = None,
    neutral_ids: Sequence[str] | None = None,
    policy: NeutralPolicy = "none",
) -> pa.Table:
    """The table with `pred_PSPI`, `pred_AU4` .. `pred_AU43`, `logit_1` .. `logit_3` and the neutral frames used.

    What a predictor does not tell (the logits of a baseline, say) is NaN, and metrics say that it is missing.
    """
    n = len(truth)
    aus = np.full((n, 6), np.nan, np.float32) if aus is None else aus
    logits = np.full((n, 3), np.nan, np.float32) if logits is None else logits
    values: dict[str, Any] = {"pred_PSPI": pspi}
    values |= dict(zip(AU_COLUMNS, aus.T, strict=True)) | dict(zip(LOGIT_COLUMNS, logits.T, strict=True))
    for name, value in values.items():
        truth = truth.append_column(name, pa.array(np.asarray(value, np.float32), pa.float32()))
    truth = truth.append_column("neutral_frame_ids", pa.array(neutral_ids or [""] * n, pa.string()))
    return truth.append_column("neutral_policy", pa.array([policy] * n, pa.string()))


def column(table: pa.Table, name: str) -> np.ndarray:
    """A column as an array: numbers as float64, text as objects."""
    values = table.column(name)
    if pa.types.is_string(values.type):
        return np.array(values.to_pylist(), dtype=object)
    return values.to_numpy().astype(np.float64)


def aus_of(table: pa.Table, *, predicted: bool) -> Float[np.ndarray, "frame 6"]:
    """The six AUs in the order of `PAIN_AUS`."""
    return np.stack([column(table, name) for name in (AU_COLUMNS if predicted else PAIN_AUS)], axis=1)


def logits_of(table: pa.Table) -> Float[np.ndarray, "frame 3"]:
    """The ordinal logits; NaN for a predictor without."""
    return np.stack([column(table, name) for name in LOGIT_COLUMNS], axis=1)
