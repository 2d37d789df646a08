"""Explanations: where a model looks in one picture, and how well that agrees with where the face truly moved."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError, storage_error
from pain3d.evaluate.agreement import ExplainConfig, plain, rows_of, summarised, table, tensor_of, tensors_of
from pain3d.evaluate.crops import Crop, crop_of, on_picture
from pain3d.evaluate.faithfulness import SCORES, smoothed
from pain3d.evaluate.overlay import Strip, Tile, contact_sheet, laid_over
from pain3d.evaluate.priors import chosen_frames, priors_of
from pain3d.evaluate.saliency import METHODS, TARGETS, Method, saliency_maps
from pain3d.model.crop import Square
from pain3d.model.face import crop_face, crop_neutrals
from pain3d.model.vitpain import Box, ViTPain
from pain3d.pictures import PictureLike, read_picture
from pain3d.places import Place

BATCH = 16
SHOWN = 8
"""Frames on the contact sheet."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What `explain_dataset` found."""

    rows: tuple[dict[str, Any], ...]
    """One for each frame, target and map: the scores, and why one is NaN."""
    summary: tuple[dict[str, Any], ...]
    """One for each target, map and score: mean over frames with a 95 % interval over subjects."""
    config: ExplainConfig
    prior_frames: tuple[int, ...]
    """How many training frames each target's mean heatmap is made of."""
    sheet: Path | None = None
    """The contact sheet, if a folder for it was given."""

    def to_json(self) -> dict[str, Any]:
        """Everything but the rows; NaN becomes None, its reason stands beside."""
        return {
            "config": dataclasses.asdict(self.config),
            "prior_frames": dict(zip(TARGETS, self.prior_frames, strict=True)),
            "summary": [{key: plain(value) for key, value in row.items()} for row in self.summary],
            "sheet": None if self.sheet is None else str(self.sheet),
        }

    def markdown(self) -> str:
        """A table of the maps by score for PSPI, then the pointing game of each AU."""
        scores = [*SCORES, "deletion_auc"]
        parts = [
            f"Agreement with the true heatmap, {self.config.split} subjects. Mean over frames with pain, in brackets "
            f"95 % over subjects. Region: more than {self.config.region_mm:g} mm. Deletion: mean predicted PSPI while "
            f"patches are {self.config.filling}, most salient first; less is better there, more elsewhere. Maps from "
            f"*mean training heat* on have not seen the picture: a map that tells where this face moves is ahead of "
            f"them. Mean training heat: the true heatmaps of training frames, averaged in the crop.\n",
            *table(self.summary, [("PSPI", score) for score in scores], scores),
            "",
            "Pointing game by Action Unit, frames in which it moves the skin:\n",
            *table(self.summary, [(target, "pointing_game") for target in TARGETS[1:]], TARGETS[1:]),
        ]
        return "\n".join(parts) + "\n"


def explain_dataset(
    model: ViTPain,
    dataset: str | Place,
    config: ExplainConfig | None = None,
    *,
    to: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Explanation:
    """Hold a model's maps against the true heatmaps, beside maps that have never seen the picture.

    Args:
        model: the model; it stays as it is.
        dataset: folder of the dataset, made with ``--annotations au_heatmaps`` for maps of single AUs.
        config: what to compare.
        to: folder for explanation.json, explanation.md and explanation.png; nothing is written without it.
        on_progress: told how many frames of how many are done.

    Raises:
        ArgumentError: for an unknown split.
        DataError: if the dataset is damaged or the split has no frame with pain.
        StorageError: if the folder cannot be written.
    """
    config = config or ExplainConfig()
    data = open_dataset(dataset, config.split)
    numbers = chosen_frames(data, config.frames, config.seed)
    if not numbers:
        raise DataError(f"{dataset}: its {config.split} split has no frame with pain, so there is nothing to explain")
    priors = priors_of(dataset, model.config, frames=config.prior_frames, seed=config.seed)
    rows: list[dict[str, Any]] = []
    strips: list[Strip] = []
    shown = set(numbers[:: max(1, len(numbers) // SHOWN)][:SHOWN])
    with evaluating(model):
        for start in range(0, len(numbers), BATCH):
            here = numbers[start : start + BATCH]
            crops = [crop_of(data, number, model.config, config.seed) for number in here]
            image, neutral = tensors_of(crops, model)
            features, maps = saliency_maps(model, image, neutral, methods=config.methods, seed=config.seed)
            for place, (number, crop) in enumerate(zip(here, crops, strict=True)):
                own = {method: of_batch[place] for method, of_batch in maps.items()}
                rows += rows_of(model, crop, own, features.grid, priors, config)
                if number in shown:
                    strips.append(strip_of(crop, own, float(features.pspi[place]), features.grid))
            if on_progress is not None:
                on_progress(start + len(here), len(numbers))
    summary = tuple(summarised(rows, draws=config.draws, seed=config.seed))
    found = Explanation(rows=tuple(rows), summary=summary, config=config, prior_frames=priors.frames)
    return found if to is None else written(found, strips, to)


def written(found: Explanation, strips: Sequence[Strip], to: Path) -> Explanation:
    """Write the sheet, the summary and every row into a folder.

    Raises:
        StorageError: if it cannot be written.
    """
    try:
        to.mkdir(parents=True, exist_ok=True)
        sheet = to / "explanation.png"
        found = dataclasses.replace(found, sheet=sheet)
        contact_sheet(strips, title=f"Where the model looks: {found.config.split} subjects").save(sheet, "PNG")
        (to / "explanation.md").write_text(found.markdown(), "utf-8")
        (to / "explanation.json").write_text(json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n", "utf-8")
        lines = (json.dumps({key: plain(value) for key, value in row.items()}) for row in found.rows)
        (to / "explanation_frames.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    except OSError as error:
        raise storage_error(to, error) from error
    return found


@contextlib.contextmanager
def evaluating(model: ViTPain) -> Iterator[None]:
    """The model in evaluation mode for a while, and afterwards in the mode it was in."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)


def strip_of(
    crop: Crop, maps: dict[str, Float[np.ndarray, "7 size size"]], pspi: float, grid: tuple[int, int]
) -> Strip:
    """One frame's row of the contact sheet: picture, true heat, attention of the AUs that act, the maps of PSPI."""
    picture = _seen(crop.image)
    sample = crop.sample
    tiles = [Tile(picture=picture, caption="what the model sees")]
    tiles.append(
        Tile(picture=laid_over(picture, crop.heat_mm[0]), caption=f"true heat, to {crop.heat_mm[0].max():.1f} mm")
    )
    if "attention" in maps:
        tiles += [
            Tile(picture=laid_over(picture, maps["attention"][place]), caption=f"attention {TARGETS[place]}")
            for place in range(1, 7)
        ]
    tiles += [
        Tile(
            picture=laid_over(picture, smoothed(maps[method][0], grid)), caption=f"{method.replace('_', ' x ')} of PSPI"
        )
        for method in METHODS
        if method in maps and method != "attention"
    ]
    acting = "  ".join(f"{name}={sample.expression[name]:g}" for name in TARGETS[1:] if sample.expression[name])
    title = f"{sample.frame_id}   true PSPI {sample.pspi:g}, read {pspi:.1f}   {acting}"
    return Strip(title=title, tiles=tuple(tiles))


def _seen(image: Float[np.ndarray, "size size channel"]) -> UInt8[np.ndarray, "size size 3"]:
    return np.ascontiguousarray(np.broadcast_to(np.rint(image * 255).astype(np.uint8), (*image.shape[:2], 3)))


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageExplanation:
    """Where a model looked in one picture."""

    picture: UInt8[np.ndarray, "height width 3"]
    square: Square
    """The crop that the model saw."""
    pspi: float
    """What it read, 0..16."""
    aus: dict[str, float]
    maps: dict[str, Float[np.ndarray, "7 height width"]]
    """By method: for PSPI and the six pain AUs, in the frame of the whole picture; 0 outside the crop."""

    def sheet(self, title: str = "Where the model looks") -> Image.Image:
        """One row for each method: the picture, PSPI, the six AUs."""
        strips = [
            Strip(
                title=f"{method.replace('_', ' x ')}   PSPI {self.pspi:.1f}",
                tiles=(
                    Tile(picture=self.picture, caption="picture"),
                    *(
                        Tile(picture=laid_over(self.picture, one), caption=self._caption(target))
                        for target, one in zip(TARGETS, of_targets, strict=True)
                    ),
                ),
            )
            for method, of_targets in self.maps.items()
        ]
        return contact_sheet(strips, title=title)

    def _caption(self, target: str) -> str:
        return f"{target} {self.pspi if target == 'PSPI' else self.aus[target]:.1f}"


def explain_image(
    model: ViTPain,
    image: PictureLike,
    neutral: PictureLike | Sequence[PictureLike] | None = None,
    *,
    box: Box | None = None,
    neutral_box: Box | None = None,
    methods: Sequence[Method] = METHODS,
    seed: int = 0,
) -> ImageExplanation:
    """Where the model looks in one picture; the face is found and cropped as `ViTPain.predict` does.

    Args:
        model: the model; it stays as it is.
        image: path, PIL image, or uint8 array [height, width, 3].
        neutral: pictures of the same person at rest, for a model that wants them.
        box: the face in `image`; None: found by the detector.
        neutral_box: the same for each neutral picture.
        methods: which maps.
        seed: of SmoothGrad's noise.

    Raises:
        NoFaceError: if no face is found.
        DataError: if a file is no readable picture.
        ArgumentError: if the model reads heatmaps, or neutral pictures are missing or refused.
    """
    if model.config.input != "rgb":
        raise ArgumentError(f"model: it reads {model.config.input!r}, not pictures; give a student or an rgb model")
    picture = read_picture(image)
    neutrals = crop_neutrals(neutral, model.config, neutral_box)
    crop = crop_face(image, model.config, box)
    shots = None if neutrals is None else tensor_of(model, neutrals)[None]
    with evaluating(model):
        features, maps = saliency_maps(model, tensor_of(model, crop.pixels)[None], shots, methods=methods, seed=seed)
    height, width = picture.shape[:2]
    placed = {
        method: np.stack([on_picture(one, crop.square, height, width) for one in of_batch[0]])
        for method, of_batch in maps.items()
    }
    aus = dict(zip(TARGETS[1:], (float(value) for value in features.aus[0]), strict=True))
    return ImageExplanation(picture=picture, square=crop.square, pspi=float(features.pspi[0]), aus=aus, maps=placed)
