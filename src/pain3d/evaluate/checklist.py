"""The items of TRIPOD+AI that a report can answer by itself, answered, and the others left open in so many words.

Numbers are those of TRIPOD+AI (Collins et al., BMJ 2024); items that CLAIM (Mongan et al. 2020; Tejani et al. 2024)
asks for, too, are marked. The words are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pain3d.evaluate.groups import GROUP_NAMES

Json = Mapping[str, Any]

OPEN = "not reported"


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of the checklist."""

    number: str
    """In TRIPOD+AI."""
    claim: bool
    """CLAIM asks for it, too."""
    topic: str
    answer: str | None
    """None: `OPEN`; the authors of a study have to say it."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "tripod_ai": self.number,
            "claim": self.claim,
            "topic": self.topic,
            "reported": self.answer is not None,
            "answer": self.answer or OPEN,
        }


def checklist(data: Json) -> list[Item]:
    """All items for the figures of a run, as in metrics.json."""
    parts = (_introduction(data), _data(data), _outcome(data), _analysis(data), _openness(data), _results(data))
    return [
        Item(number=number, claim=claim, topic=topic, answer=answer)
        for part in parts
        for number, claim, topic, answer in part
    ]


_Line = tuple[str, bool, str, str | None]


def _introduction(data: Json) -> Iterator[_Line]:
    yield "1", True, "Title: model, outcome, population", None
    yield "2", True, "Structured abstract", None
    yield "3a", True, "Health-care context and earlier models", None
    yield (
        *("3b", True, "Intended use and users"),
        "Research on reading coded facial expression. Not a medical device; not for decisions about a person.",
    )
    yield "3c", False, "Known health inequalities", None
    yield (
        *("4", True, "Objective"),
        f"How well {data['name']} reads observer-coded PSPI in faces of subjects that it was not trained on",
    )


def _data(data: Json) -> Iterator[_Line]:
    facts = data["provenance"]["dataset"]
    yield "5a", True, "Source of the data", source_in_words(facts)
    yield "5b", True, "Dates of data collection", None
    yield "6a", True, "Setting, centres", "None: every face is synthetic" if facts["design"] is not None else None
    yield "6b", True, "Eligibility of participants", None
    yield "6c", False, "Treatments received", None
    yield (
        *("7", True, "Preparation of the data"),
        "Each face is cut to a square by its landmarks, or by its box where a dataset has none, and resized to the "
        "model's size. Nothing is augmented when frames are scored.",
    )


def _outcome(data: Json) -> Iterator[_Line]:
    yield (
        *("8a", True, "Outcome and reference standard"),
        "PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43, 0..16, recomputed from the coded Action Units; and PSPI "
        ">= 1, 2, 3. It is coded facial expression, not felt pain.",
    )
    posed = "None: the intensities are those that the faces were posed with"
    by_coders = posed if data["provenance"]["dataset"]["design"] is not None else None
    yield "8b", True, "Who coded the outcome, with which training", by_coders
    yield "8c", True, "Blinding of the coders", by_coders
    yield (
        *("9", True, "Predictors"),
        {
            "none": "The pixels of one picture",
            "other_view": "The pixels of one picture and of a neutral picture of the same person from another view",
            "same_view": "The pixels of one picture and of the neutral picture of the same view (an oracle)",
            "reference": "The pixels of one picture and of the subject's reference frame, whatever its label",
        }[data["neutral_policy"]],
    )
    yield (
        *("10", True, "Sample size"),
        f"{data['frames']:,} frames of {data['subjects']:,} subjects: what the data holds; nothing was calculated",
    )
    yield "11", True, "Missing data", _dropped(data["provenance"]["dataset"])


def _analysis(data: Json) -> Iterator[_Line]:
    protocol, training = data["provenance"]["protocol"], data["provenance"]["training"]
    yield "12a", True, "Partition of the data", _partition(data, protocol)
    yield "12b", False, "Handling of predictors", "See 7"
    yield "12c", True, "Model, training, hyperparameters", _model(data, training)
    yield (
        *("12d", False, "Heterogeneity between clusters"),
        "Intervals come from drawing subjects again, never frames; figures are shown by fold and by group where known",
    )
    yield (
        *("12e", True, "Measures of performance"),
        "MAE, RMSE, Pearson, ICC(3,1), ICC(2,1), kappa; AUROC, AUPRC, F1, precision, recall, specificity, ECE at PSPI "
        ">= 1, 2, 3; share of frames within the prediction interval",
    )
    yield "12f", False, "Updating of the model", "None after the choice on validation subjects"
    yield "12g", False, "How predictions are made", f"The PSPI head of {data['provenance']['model']['description']}"
    shares = ", ".join(f"{100 * share:.1f} % at PSPI >= {t}" for t, share in data["with_pain"].items())
    weighting = "" if training is None else f"; training: {training['weighting']}"
    yield "13", False, "Class imbalance", f"Scored frames: {shares}{weighting}"
    yield "14", True, "Fairness", _fairness(data)
    yield (
        *("15", True, "Output of the model and thresholds"),
        f"PSPI 0..16, six Action Units, chances of PSPI >= 1, 2, 3. Thresholds: {data['calibration']}",
    )
    yield "16", False, "Training against evaluation data", None if protocol is None else "One dataset, other subjects"
    yield "17", True, "Ethical approval and consent", None


def _openness(data: Json) -> Iterator[_Line]:
    yield "18a", True, "Funding", None
    yield "18b", False, "Conflicts of interest", None
    known = data["provenance"]["protocol"] is not None
    yield "18c", True, "Study protocol", "The folds are in protocol.json of the run" if known else None
    yield "18d", True, "Registration", None
    yield "18e", True, "Availability of the data", None
    version = data["provenance"]["versions"]["pain3d"]
    yield "18f", True, "Availability of the code", f"pain3d {version}; the commands are on this page"
    yield "19", False, "Involvement of patients and the public", None


def _results(data: Json) -> Iterator[_Line]:
    folds = data["folds"]
    said = "; ".join(f"fold {f['fold']}: {f['test_frames']:,} frames of {len(f['test'])} subjects" for f in folds)
    yield "20a", True, "Participants, flow", said or f"{data['frames']:,} frames of {data['subjects']:,} subjects"
    yield "20b", True, "Characteristics of participants", _fairness(data)
    yield "21", False, "Numbers in development", _development(folds)
    yield "22", False, "Full specification of the model", "Weights and configuration lie in the run folder"
    yield "23a", True, "Performance with intervals", "Tables of this page"
    yield "23b", False, "Heterogeneity of performance", "Tables by fold and by group of this page"
    yield "24", False, "Results of updating", "None: nothing was updated"
    yield "25", True, "Interpretation, fairness in context", None
    yield "26", True, "Limitations", _limitations(data)
    yield (
        *("27", True, "Usability: poor input, expertise needed"),
        "A picture that cannot be read is an error, never replaced. Reading PSPI needs knowledge of FACS.",
    )


def source_in_words(facts: Json) -> str:
    """What a dataset is, in a sentence."""
    source, design = facts["source"], facts["design"]
    if source is not None:
        counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in source["counts"].items())
        importer = f"importer version {source['importer_version']}"
        return f"Imported from {source['kind']} ({source['form']}), {importer}: {counts}"
    if design is None:
        return f"{facts['path']}"
    return (
        f"Synthetic: {design['subjects']:,} subjects x {design['expressions']} pain expressions x {design['views']} "
        f"views, made by pain3d {facts['pain3d_version']}, seed {facts['seed']}"
    )


def _dropped(facts: Json) -> str | None:
    source = facts["source"]
    if source is None:
        return None if facts["design"] is None else "None: every frame has every label"
    listed = ", ".join(source["lists"])
    return f"What was dropped, skipped or disagrees is counted in 5a{f' and listed in {listed}' if listed else ''}"


def _partition(data: Json, protocol: Json | None) -> str:
    if protocol is None:
        return f"By subject; scored: {data['split'] or 'all splits'}"
    return (
        f"By subject: {len(protocol['folds'])} folds ({protocol['name']}, seed {protocol['seed']}); every subject is "
        f"tested once; inner validation subjects choose epoch and thresholds, test subjects nothing"
    )


def _model(data: Json, training: Json | None) -> str:
    words = data["provenance"]["model"]["description"]
    if training is None:
        return words
    start = f", started from {training['init']}" if training["init"] else ", from random weights"
    mix = "" if training["mix"] is None else f", {training['mix']}"
    return (
        f"{words}; recipe {training['recipe']}{start}: {training['samples']:,} samples, batches of "
        f"{training['batch_size']}, peak rates {training['lr']:g} and {training['lr_heads']:g}, seed {training['seed']}"
        f"{mix}"
    )


def _fairness(data: Json) -> str:
    told = [name for group, name in GROUP_NAMES.items() if group in data["groups"]]
    untold = [name for group, name in GROUP_NAMES.items() if group not in data["groups"]]
    words = [f"By {', '.join(told)}: tables of this page"] if told else []
    words += [f"{OPEN} by the dataset: {', '.join(untold)}"] if untold else []
    if "ethnicity" in data["groups"]:
        words.append("ethnicity means appearance groups, not a person's own account")
    return "; ".join(words)


def _development(folds: list[Json]) -> str | None:
    if not folds:
        return None
    return "; ".join(
        f"fold {f['fold']}: {len(f['train'])} subjects to train, {len(f['validation'])} to choose" for f in folds
    )


def _limitations(data: Json) -> str:
    words = ["PSPI is observer-coded facial expression, not felt pain: people in pain may show none"]
    if data["synthetic"]:
        words.append("synthetic data is not clinical evidence")
    if data["subjects"] < 50:
        words.append(f"{data['subjects']} subjects: intervals over subjects are wide, and groups are small")
    return "; ".join(words)
