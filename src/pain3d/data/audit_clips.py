"""The part of the audit that looks at clips: where each row stands in its own, and what its lids do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pain3d.data.audit_labels import Broken, LabelBlock, each
from pain3d.data.clips import Clips
from pain3d.data.schema import frame_id
from pain3d.facs import AU_INDEX, CLOSED_AT, pspi_of_vectors

LEAST_AT_APEX = 0.9
"""Share of its apex's PSPI that a clip reaches in some frame: units waver there by up to 6 %."""
TOLERANCE = 1e-4


def check_clips(clips: Clips, block: LabelBlock) -> Iterator[Broken]:
    """Every broken rule of every row of a dataset of clips."""
    columns = block.columns
    index, time_s, closure, blink = (columns[name] for name in ("frame_index", "time_s", "eye_closure", "blink"))
    for i, number in enumerate(block.subjects):
        if number < 0:
            continue
        name = frame_id(number, int(columns["expression_id"][i]), int(columns["view_id"][i]))
        if columns["sequence_id"][i] != name:
            yield i, "sequence", f"{columns['sequence_id'][i]}, but subject, expression and view make it {name}"
    outside = (index < 0) | (index >= clips.frames)
    yield from each(outside, "frame_index", lambda i: f"{index[i]} is outside 0..{clips.frames - 1}")
    late = ~(np.abs(time_s - index / clips.frames_per_second) <= TOLERANCE)
    yield from each(late, "time", lambda i: f"{time_s[i]:g} s, but frame {index[i]} is at another time")
    for name, values in (("eye_closure", closure), ("blink", blink)):
        yield from each(~((values >= 0) & (values <= 1)), name, lambda i, v=values: f"{v[i]:g} is outside 0..1")
    shut = block.aus[:, AU_INDEX["AU43"]] > 0
    yield from each(
        shut != (closure >= CLOSED_AT), "eye_closure", lambda i: f"{closure[i]:g}, but AU43 is {int(shut[i])}"
    )
    moves = block.aus.any(axis=1) | (closure > 0)
    ends = (index == 0) | (index == clips.frames - 1)
    yield from each(ends & moves, "rest", lambda i: f"frame {index[i]} is an end of its clip, but an AU acts")
    resting = (columns["expression_id"] == 0) & (closure > 0)
    yield from each(resting, "rest", lambda i: "expression 0 is neutral, but lids close on purpose")
    scores, apex = pspi_of_vectors(block.aus), columns["apex_PSPI"]
    beyond = scores > apex + TOLERANCE
    yield from each(beyond, "apex", lambda i: f"PSPI {scores[i]:g} is above {apex[i]:g}, that of the apex")
