"""Predictors that look at no picture: what every figure of a model must be held against."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pain3d.data.reader import open_dataset
from pain3d.errors import DataError
from pain3d.evaluate.table import column, truth_table, with_predictions
from pain3d.facs import MAX_INTENSITY, MAX_PSPI, PAIN_AUS
from pain3d.places import Place


def mean_predictor(truth: pa.Table, training: pa.Table) -> pa.Table:
    """The mean PSPI and the mean of each AU over the training frames, for every frame.

    Args:
        truth: frames to predict, from `table.truth_table`.
        training: frames of the training subjects, likewise.
    """
    n = len(truth)
    means = np.array([column(training, name).mean() for name in ("PSPI", *PAIN_AUS)])
    return with_predictions(truth, pspi=np.full(n, means[0]), aus=np.tile(means[1:], (n, 1)))


def always_positive(truth: pa.Table) -> pa.Table:
    """The largest pain there is, for every frame: the rule that any F1 at a high prevalence must beat."""
    n = len(truth)
    aus = np.tile([*[MAX_INTENSITY] * (len(PAIN_AUS) - 1), 1.0], (n, 1))
    return with_predictions(truth, pspi=np.full(n, MAX_PSPI), aus=aus)


def training_truth(dataset: str | Place) -> pa.Table:
    """Labels of the training frames of a dataset.

    Raises:
        DataError: if there are none.
    """
    opened = open_dataset(dataset, "train")
    if not len(opened):
        raise DataError(f"{dataset}: no training frames to take the mean of; generate 10 subjects or more")
    return truth_table(opened)
