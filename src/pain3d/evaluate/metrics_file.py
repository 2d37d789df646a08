"""metrics.json, predictions.parquet and plots/: what judging leaves in a folder, and what a report is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import write_atomically
from pain3d.errors import DataError
from pain3d.outside import json_of

METRICS, PREDICTIONS, PLOTS = "metrics.json", "predictions.parquet", "plots"
EVALUATION, CROSSVAL = "pain3d evaluation", "pain3d crossval"
VERSION = 2
"""From 2 on it tells provenance, folds and both columns."""


def write_metrics(folder: Path, data: Mapping[str, Any]) -> Path:
    """Write metrics.json, whole or not at all.

    Raises:
        StorageError: if the disk does not take it.
    """
    write_atomically(folder / METRICS, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())
    return folder / METRICS


def read_metrics(folder: Path) -> dict[str, Any]:
    """The figures of a folder.

    Raises:
        DataError: if there are none, or of another version.
    """
    path = folder / METRICS
    try:
        content = json_of(path.read_text(encoding="utf-8"))
        if content["format"] in (EVALUATION, CROSSVAL) and content["format_version"] == VERSION:
            return content
        why = f"{content['format']!r} of version {content['format_version']}"
    except FileNotFoundError:
        raise DataError(
            f"{path}: not found; name the folder that pain3d crossval OUT RUN or pain3d evaluate MODEL OUT --to RUN "
            f"wrote, finished (a training run has no figures on test subjects)"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"damaged: {error}"
    raise DataError(f"{path}: not the figures of this version of pain3d ({why}); evaluate again")


def read_table(path: Path) -> pa.Table:
    """A prediction table.

    Raises:
        DataError: if it is missing or damaged.
    """
    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: missing or damaged ({error}); evaluate again") from None
