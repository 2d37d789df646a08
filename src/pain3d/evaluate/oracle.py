"""The geometry oracle: a regression on the true landmarks and head pose, which no picture gives away as exactly.

How well PSPI can be read from 68 noise-free points bounds what a landmark tracker could reach, with and without a
neutral picture of the person. It sees labels that a model never gets, so it is a yardstick and no rival.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate.table import NeutralPolicy, truth_table, with_predictions
from pain3d.facs import MAX_PSPI, PAIN_AUS
from pain3d.places import Place
from pain3d.streams import stream

Learner = Literal["ridge", "boosting"]

STABLE = (27, 30, 36, 39, 42, 45)
"""Bridge and tip of the nose and the corners of the eyes: what the face is aligned on, since AUs hardly move them."""

RIDGE_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Geometry:
    """Landmarks and pose of frames, and the answer."""

    truth: pa.Table
    points: Float[np.ndarray, "frame 68 2"]
    """Pixels."""
    pose: Float[np.ndarray, "frame 3"]
    """Yaw, pitch, roll in degrees."""
    targets: Float[np.ndarray, "frame 7"]
    """PSPI, then the six AUs."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Oracle:
    """A fitted regression from landmarks to PSPI and the six AUs."""

    policy: NeutralPolicy
    learner: Learner
    """Chosen by the mean absolute error of PSPI on validation subjects."""
    penalty: float
    """Of the ridge regression, chosen likewise."""
    validation_mae: dict[str, float]
    """Of everything that was tried."""
    shape: Float[np.ndarray, "68 2"]
    centre: Float[np.ndarray, " feature"]
    scale: Float[np.ndarray, " feature"]
    weights: Float[np.ndarray, "feature1 7"]
    """Ridge regression; the last row is the constant."""
    boosted: Any = None
    """Boosting on the features, for PSPI; None where ridge won."""

    def predict(
        self, dataset: str | Place, split: str | None = "test", *, seed: int = 0, noise_px: float = 0
    ) -> pa.Table:
        """The prediction table of a split.

        Args:
            dataset: folder of a finished dataset.
            split: ``train``, ``val`` or ``test``; None for all frames.
            seed: of the draw of the neutral frames and of the noise.
            noise_px: standard deviation of an error added to every coordinate, pixels.
        """
        data = geometry(dataset, split, seed=seed, noise_px=noise_px)
        reference = _reference(data, self.policy, seed)
        features = (_features(data, reference, self.policy, self.shape) - self.centre) / self.scale
        values = np.column_stack([features, np.ones(len(features))]) @ self.weights
        if self.boosted is not None:
            values[:, 0] = self.boosted.predict(features)
        aus = np.column_stack([np.clip(values[:, 1:6], 0, 5), np.clip(values[:, 6], 0, 1)])
        ids = data.truth.column("frame_id").to_pylist()
        names = None if reference is None else [ids[i] for i in reference]
        pspi = np.clip(values[:, 0], 0, MAX_PSPI)
        return with_predictions(data.truth, pspi=pspi, aus=aus, neutral_ids=names, policy=self.policy)


def fit_oracle(
    dataset: str | Place,
    policy: NeutralPolicy,
    *,
    learners: tuple[Learner, ...] = ("ridge", "boosting"),
    noise_px: float = 0,
    seed: int = 0,
) -> Oracle:
    """Fit on the training subjects' landmarks; learner and penalty by the validation subjects.

    Args:
        dataset: folder of a finished dataset with training and validation subjects.
        policy: ``none``: the frame's own points. ``other_view``: beside them those of the subject's neutral face in
            another view. ``same_view``: beside them the way each point came from the neutral face of the same view.
        learners: what to try; boosting takes a minute on 20,000 frames.
        noise_px: standard deviation of an error added to every coordinate, pixels.
        seed: of the draw of neutral frames, noise and boosting.

    Raises:
        DataError: if the training or validation split is empty.
    """
    train = geometry(dataset, "train", seed=seed, noise_px=noise_px)
    val = geometry(dataset, "val", seed=seed, noise_px=noise_px)
    frontal = (train.truth.column("view_id").to_numpy() == 0) & (train.truth.column("expression_id").to_numpy() == 0)
    mean = train.points[frontal if frontal.any() else slice(None)].mean(axis=0)
    shape = (mean - mean[list(STABLE)].mean(axis=0)) / mean[list(STABLE)].std()
    raw = _features(train, _reference(train, policy, seed), policy, shape)
    centre, scale = raw.mean(axis=0), np.maximum(raw.std(axis=0), 1e-9)
    ours = (raw - centre) / scale
    theirs = (_features(val, _reference(val, policy, seed), policy, shape) - centre) / scale
    tried: dict[str, float] = {}
    solutions = dict(zip(RIDGE_PENALTIES, _ridges(ours, train.targets, RIDGE_PENALTIES), strict=True))
    for penalty, weights in solutions.items():
        guess = np.column_stack([theirs, np.ones(len(theirs))]) @ weights
        tried[f"ridge {penalty:g}"] = _mae(guess[:, 0], val.targets[:, 0])
    penalty = min(RIDGE_PENALTIES, key=lambda value: tried[f"ridge {value:g}"])
    boosted = None
    if "boosting" in learners:
        boosted = _boosting(ours, train.targets[:, 0], seed)
        tried["boosting"] = _mae(boosted.predict(theirs), val.targets[:, 0])
        if tried["boosting"] >= tried[f"ridge {penalty:g}"]:
            boosted = None
    return Oracle(
        policy=policy,
        learner="ridge" if boosted is None else "boosting",
        penalty=penalty,
        validation_mae=tried,
        shape=shape,
        centre=centre,
        scale=scale,
        weights=solutions[penalty],
        boosted=boosted,
    )


def geometry(dataset: str | Place, split: str | None, *, seed: int = 0, noise_px: float = 0) -> Geometry:
    """Landmarks and pose of a split.

    Raises:
        DataError: if the split is empty, or the dataset was imported.
    """
    opened = open_dataset(dataset, split)
    if opened.manifest.source is not None:
        raise DataError(f"{dataset}: was imported, and does not tell the true landmarks and head pose of every frame")
    truth = truth_table(opened)
    flat = opened.labels(["landmarks"]).column("landmarks").combine_chunks().flatten()
    points = flat.to_numpy().astype(np.float64).reshape(-1, 68, 2)
    if noise_px:
        points = points + stream(seed, "oracle", "noise", str(split)).normal(0, noise_px, points.shape)
    columns = [truth.column(name).to_numpy() for name in ("yaw", "pitch", "roll", "PSPI", *PAIN_AUS)]
    table = np.stack(columns, axis=1).astype(np.float64)
    return Geometry(truth=truth, points=points, pose=table[:, :3], targets=table[:, 3:])


def aligned(
    points: Float[np.ndarray, "frame 68 2"], shape: Float[np.ndarray, "68 2"]
) -> Float[np.ndarray, "frame 68 2"]:
    """Points moved, turned and scaled so that the stable ones lie on those of `shape`, least squares."""
    stable = list(STABLE)
    centred = points - points[:, stable].mean(axis=1, keepdims=True)
    target = shape[stable] - shape[stable].mean(axis=0)
    source = centred[..., 0] + 1j * centred[..., 1]
    wanted = target[:, 0] + 1j * target[:, 1]
    turn = (np.conj(source[:, stable]) @ wanted) / (np.abs(source[:, stable]) ** 2).sum(axis=1)
    placed = source * turn[:, None]
    return np.stack([placed.real, placed.imag], axis=-1)


def _features(
    data: Geometry, reference: Int[np.ndarray, " frame"] | None, policy: NeutralPolicy, shape: np.ndarray
) -> Float[np.ndarray, "frame feature"]:
    points = aligned(data.points, shape).reshape(len(data.points), -1)
    pose = data.pose / 30  # degrees: the turned views reach 45
    parts = [points, pose, pose**2, np.abs(pose)]
    if reference is not None and policy == "same_view":
        parts.append(points - points[reference])
    elif reference is not None:
        parts += [points[reference], pose[reference], pose[reference] ** 2]
    return np.concatenate(parts, axis=1)


def _reference(data: Geometry, policy: NeutralPolicy, seed: int) -> Int[np.ndarray, " frame"] | None:
    """Row of each frame's neutral face: of the same view, or drawn from the others."""
    if policy == "none":
        return None
    columns = [data.truth.column(name).to_pylist() for name in ("subject_id", "view_id", "expression_id", "frame_id")]
    rows = list(zip(*columns, strict=True))
    rest: dict[str, dict[int, int]] = {}
    for i, (subject, view, expression, _) in enumerate(rows):
        if expression == 0:
            rest.setdefault(subject, {}).setdefault(view, i)  # of a clip the first frame
    return np.array([_choice(rest, row, policy, seed) for row in rows])


def _choice(rest: dict[str, dict[int, int]], row: Iterable[Any], policy: NeutralPolicy, seed: int) -> int:
    subject, view, _, frame_id = row
    views = rest[subject]
    if policy == "same_view":
        return views[view]
    others = sorted(set(views) - {view})
    if not others:
        raise ArgumentError(
            f"neutral: 'other_view', but {subject} has one view only; choose none or same_view, or generate a dataset "
            f"with --views 2 or more"
        )
    return views[others[int(stream(seed, "oracle", "neutral", frame_id).integers(len(others)))]]


def _ridges(
    features: Float[np.ndarray, "frame feature"], targets: Float[np.ndarray, "frame 7"], penalties: Iterable[float]
) -> list[Float[np.ndarray, "feature1 7"]]:
    """Ridge regressions on centred features; the constant is not penalised."""
    mean = targets.mean(axis=0)
    values, vectors = np.linalg.eigh(features.T @ features)
    rotated = vectors.T @ (features.T @ (targets - mean))
    return [
        np.vstack([vectors @ (rotated / (np.maximum(values, 0) + penalty)[:, None]), mean]) for penalty in penalties
    ]


def _boosting(features: np.ndarray, target: np.ndarray, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor  # a second to import, and needed here alone

    settings: Any = {"max_iter": 300, "learning_rate": 0.08, "max_leaf_nodes": 31, "early_stopping": False}
    learner = HistGradientBoostingRegressor(random_state=seed, **settings)
    return learner.fit(features, target)


def _mae(guess: np.ndarray, truth: np.ndarray) -> float:
    if not len(truth):
        raise DataError("the validation split is empty; generate 10 subjects or more")
    return float(np.abs(np.clip(guess, 0, MAX_PSPI) - truth).mean())
