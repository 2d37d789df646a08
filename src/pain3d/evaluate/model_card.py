"""README.md of a model: what it reads, how it was made, what it reached on which faces, what it is not for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pain3d import __version__
from pain3d.data.manifest import Manifest
from pain3d.evaluate.groups import GROUP_NAMES
from pain3d.evaluate.tables import shown
from pain3d.model.calibration import Calibration
from pain3d.model.vitpain import ViTPain

LICENSE = "apache-2.0"

_COLUMNS = {"mae": "MAE", "rmse": "RMSE", "pcc": "PCC", "icc31": "ICC(3,1)", "auroc1": "AUROC, PSPI >= 1"}

Data = Mapping[str, Any]
"""As in an evaluation's metrics.json."""


def model_card(
    *,
    name: str,
    model: ViTPain,
    training: Mapping[str, Any],
    dataset: Manifest,
    commands: Sequence[str],
    evaluations: Mapping[str, Data],
) -> str:
    """The card's text.

    Args:
        name: of the model.
        model: with its calibration.
        training: from `bundle.training_facts`.
        dataset: that it was trained on.
        commands: how it was made.
        evaluations: by the words that name the faces, the most telling first.
    """
    parts = (
        _front_matter(),
        _introduction(name, model),
        _use(name),
        _figures(evaluations),
        _calibration(model.calibration),
        _making(training, dataset, commands),
        _LIMITS,
    )
    return "\n".join(line for part in parts for line in part) + "\n"


def _front_matter() -> Iterator[str]:
    yield from ("---", f"license: {LICENSE}", "library_name: pain3d", "pipeline_tag: image-classification")
    yield from ("tags:", "- facial-action-coding-system", "- facial-expression", "- synthetic-data", "---", "")


def _introduction(name: str, model: ViTPain) -> Iterator[str]:
    yield from (f"# {name}", "")
    yield (
        "Reads PSPI (Prkachin-Solomon Pain Intensity, 0..16), the Action Units 4, 6, 7, 9, 10 (0..5) and 43 (eyes "
        "closed, a probability), and the chance of PSPI >= 1, 2, 3 from a picture of a face. PSPI is observer-coded "
        "facial expression, not felt pain. Trained on synthetic faces alone, which are no clinical evidence. Not a "
        "medical device."
    )
    yield from ("", model.describe() + ".", "")


def _use(name: str) -> Iterator[str]:
    yield from ("## Use", "", "```python", "import pain3d", "")
    yield f'model = pain3d.ViTPain.from_pretrained("{name}")'
    yield from ('reading = model.predict("photo.jpg")', "reading.pspi, reading.interval, reading.aus", "```", "")
    yield (
        "For research on reading facial expression, for trying out pipelines, and as a start for training on data of "
        "one's own. Not for deciding about a person's treatment, insurance, work or credibility, and not for watching "
        "people who did not agree to it."
    )
    yield ""


def _figures(evaluations: Mapping[str, Data]) -> Iterator[str]:
    yield from ("## What it reached", "")
    yield (
        "Faces of subjects that it never saw in training, cut out by their true landmarks. In brackets: 95 % "
        "intervals by bootstrap over subjects. The baselines see no picture; the geometry oracle reads the true "
        "landmarks, which no model has."
    )
    for label, data in evaluations.items():
        yield from ("", f"### {label.capitalize()}: {data['frames']:,} frames of {data['subjects']:,} subjects", "")
        yield "| | " + " | ".join(_COLUMNS.values()) + " |"
        yield "|---" * (len(_COLUMNS) + 1) + "|"
        rows = {data["name"]: data["headline"], **data["baselines"]}
        for row, figures in rows.items():
            yield f"| {row} | " + " | ".join(shown(figures[key]) for key in _COLUMNS) + " |"
        yield from ("", *_more(data))
    yield ""


def _more(data: Data) -> Iterator[str]:
    coverage = data["coverage"]
    yield f"- Coded PSPI inside the {100 * coverage['nominal']:.0f} % interval: {shown(coverage['overall'])}"
    for group, rows in coverage["groups"].items():
        said = ", ".join(f"{name} {shown(row)}" for name, row in rows.items())
        yield f"  - by {GROUP_NAMES[group]}: {said}"
    for kind, what in (("distractors", "Faces without pain that are not at rest"), ("confounds", "Confounds")):
        row = data[kind]["rows"].get("all")
        if row is not None:
            said = ", ".join(f"{key}: {shown(value)}" for key, value in row.items())
            yield f"- {what}: {said}"
    for group, block in data["groups"].items():
        gap = block["worst_gap"]["mae"]
        yield f"- Largest difference of MAE by {GROUP_NAMES[group]}: {shown(gap)}"


def _calibration(calibration: Calibration | None) -> Iterator[str]:
    yield from ("## Calibration", "")
    if calibration is None:
        yield from ("None: thresholds and intervals are not given.", "")
        return
    about = calibration.provenance
    subjects, frames = about["subjects"], about["frames"]
    yield (
        f"Intervals (split-conformal over subjects, {100 * calibration.coverage:.0f} %), thresholds and probabilities "
        f"were fitted on {frames:,} frames of {subjects} validation subjects whose faces were found by the detector, "
        f"as in `predict`. They hold for faces like these; on photos of real people no coverage is promised."
    )
    yield ""
    yield "| PSPI >= | predicted PSPI from |"
    yield "|---|---|"
    yield from (f"| {t} | {threshold:.2f} |" for t, threshold in enumerate(calibration.thresholds, 1))
    yield ""


def _making(training: Mapping[str, Any], dataset: Manifest, commands: Sequence[str]) -> Iterator[str]:
    design = dataset.made
    yield from ("## How it was made", "", "```sh", *commands, "```", "")
    yield (
        f"- Data: made by pain3d {dataset.pain3d_version}, seed {dataset.seed}: {design.subjects} subjects x (1 "
        f"neutral + {design.expressions} pain + {design.distractors} without pain + {design.confounds} confounds) x "
        f"{design.views} views, {design.resolution} px; 70 % of the subjects to train, 20 % to validate, 10 % to test"
    )
    if training:
        yield (
            f"- Training: recipe {training['recipe']}, seed {training['seed']}, {training['samples']:,} samples in "
            f"{training['steps']:,} steps; the model is that of step {training['best_step']:,}, chosen on validation "
            f"subjects"
        )
        yield "- Packages: " + ", ".join(f"{name} {version}" for name, version in training["packages"].items())
    yield from (f"- Card and calibration: pain3d {__version__}", "")


_LIMITS = (
    "## Limits",
    "",
    "- Every face, in training and in these figures, is synthetic: a parametric head model with skin and hair "
    "that a program made. Figures on photos of real people are unknown and will be worse.",
    "- Labels are the intensities that the faces were posed with, not the judgement of coders, and PSPI is facial "
    "expression, not felt pain: people in pain may show none, and faces like these are made without any.",
    "- Ethnicity means appearance groups of a parametric model with three anchors, mixed; figures by group say how the "
    "model treats these synthetic faces, not how it treats people.",
    "- One picture, no time and, unless it says so above, no comparison with the person's face at rest: faces that "
    "frown or squint at rest are read too high.",
    "- Glasses, hands, masks, turns beyond 45 degrees and motion blur were not in the training data.",
)
