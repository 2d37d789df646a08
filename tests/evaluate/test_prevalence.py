"""Reweighting to a clinical prevalence, and the rule that calls every frame positive."""

import numpy as np
import pytest

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import mae
from pain3d.evaluate.prevalence import CLINICAL_SHARE, always_positive, clinical_weights
from pain3d.evaluate.ranking import auroc, false_positive_rate, recall

PSPI = np.random.default_rng(0).integers(0, 17, 500).astype(float)


def test_weights_give_the_share_and_keep_the_mean():
    weights = clinical_weights(PSPI)
    assert weights.mean() == pytest.approx(1)
    assert weights[PSPI > 0].sum() / weights.sum() == pytest.approx(CLINICAL_SHARE)
    assert len(np.unique(weights)) == 2


def test_what_is_conditional_on_the_side_does_not_move():
    score = PSPI + np.random.default_rng(1).normal(0, 4, 500)
    weights = clinical_weights(PSPI)
    for metric, prediction in ((auroc, score), (recall, score > 3), (false_positive_rate, score > 3)):
        assert metric(PSPI > 0, prediction, weights).value == pytest.approx(metric(PSPI > 0, prediction).value)
    assert mae(PSPI, score, weights).value != pytest.approx(mae(PSPI, score).value)


def test_always_positive_by_hand():
    found = always_positive(PSPI > 0, clinical_weights(PSPI))
    assert found["f1"].value == pytest.approx(2 * CLINICAL_SHARE / (1 + CLINICAL_SHARE))
    assert found["auprc"].value == pytest.approx(CLINICAL_SHARE)


def test_what_cannot_be_reweighted_is_refused():
    with pytest.raises(ArgumentError, match="5 of 5 frames have PSPI > 0"):
        clinical_weights(np.ones(5))
    with pytest.raises(ArgumentError, match=r"share: 1\.5 is not between 0 and 1"):
        clinical_weights(PSPI, 1.5)
