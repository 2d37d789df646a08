"""The figures of a report, from a prediction table: large type, few marks, colours that the colour-blind tell apart."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from pain3d.evaluate.table import column
from pain3d.facs import MAX_PSPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#D55E00", "#009E73", "#999999", "#222222"
"""Of the palette of Okabe and Ito (2008); blue, vermilion and green differ in lightness too."""

THRESHOLDS: tuple[int, ...] = (1, 2, 3)
_LINES = {1: (BLUE, "-"), 2: (ORANGE, "--"), 3: (GREEN, ":")}

CLASSES: tuple[tuple[int, int], ...] = ((0, 0), (1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 16))
"""Ranges of PSPI, both ends included, of the confusion matrix."""

BINS = 10
"""Of the reliability curve: as many frames in each."""

FEWEST_IN_A_BIN = 20
"""A point of the reliability curve stands for at least so many frames, or it is noise."""

_STYLE: Any = {
    "font.size": 15,
    "axes.titlesize": 15,
    "axes.labelsize": 16,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 14,
    "figure.dpi": 100,
}

_P = ParamSpec("_P")


def _styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Draw with `_STYLE`, and leave matplotlib's settings as they were."""

    @functools.wraps(draw)
    def with_style(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        import matplotlib as mpl  # a third of a second, and only reports draw

        with mpl.rc_context(_STYLE):
            return draw(*args, **kwargs)

    return with_style


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One group's figure and its interval."""

    group: str
    """What divides the frames, as in ``age_band``."""
    name: str
    value: float
    low: float
    """NaN: no interval."""
    high: float


def write_plots(
    table: pa.Table,
    to: str | Path,
    *,
    title: str,
    probabilities: Mapping[int, Float[np.ndarray, " frame"]] | None,
    bars: Sequence[Bar],
) -> tuple[Path, ...]:
    """Write scatter, roc, groups, reliability and confusion as PNG files.

    Args:
        table: predictions, from `table.with_predictions`.
        to: the folder.
        title: what was evaluated, in a line.
        probabilities: of PSPI >= t, for each t; None for a predictor without: no reliability plot.
        bars: mean absolute error of each group.

    Returns:
        The files.
    """
    folder = Path(to)
    folder.mkdir(parents=True, exist_ok=True)
    truth, guess = column(table, "PSPI"), column(table, "pred_PSPI")
    figures: dict[str, Figure] = {
        "scatter": scatter(truth, guess, title),
        "roc": roc(truth, guess, title),
        "confusion": confusion(truth, guess, title),
    }
    if bars:
        figures["groups"] = group_bars(bars, float(np.abs(truth - guess).mean()), title)
    if probabilities is not None:
        figures["reliability"] = reliability(truth, probabilities, title)
    written = []
    for name, figure in figures.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1], metadata={"Software": None})
    return tuple(written)


@_styled
def scatter(truth: Float[np.ndarray, " frame"], guess: Float[np.ndarray, " frame"], title: str) -> Figure:
    """Prediction against truth: every frame a dot, and for each true score the median and the middle half."""
    figure, axes = _figure(title)
    levels = np.unique(np.round(truth))
    # Spread sideways in a fixed pattern, so that the same table gives the same file.
    spread = ((np.arange(len(truth)) * 0.618034) % 1 - 0.5) * 0.55
    axes.plot([0, MAX_PSPI], [0, MAX_PSPI], color=BLACK, lw=1.5, label="perfect")
    axes.plot(truth + spread, guess, ".", color=BLUE, ms=3, alpha=min(0.6, 900 / len(truth) + 0.12), mew=0)
    quarters = np.array([np.percentile(guess[np.round(truth) == level], [25, 50, 75]) for level in levels])
    axes.vlines(levels, quarters[:, 0], quarters[:, 2], color=ORANGE, lw=6, label="middle half")
    axes.plot(levels, quarters[:, 1], "o", color="white", mec=ORANGE, mew=2, ms=7, label="median")
    axes.set(xlabel="true PSPI", ylabel="predicted PSPI", xlim=(-0.7, 16.7), ylim=(-0.7, 16.7), aspect="equal")
    axes.set_xticks(range(0, 17, 4))
    axes.set_yticks(range(0, 17, 4))
    axes.legend(loc="upper left", frameon=False)
    return figure


@_styled
def roc(truth: Float[np.ndarray, " frame"], guess: Float[np.ndarray, " frame"], title: str) -> Figure:
    """Receiver operating characteristic of the predicted PSPI at each threshold."""
    figure, axes = _figure(title)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1.5)
    for threshold in THRESHOLDS:
        positive = truth >= threshold
        colour, dashes = _LINES[threshold]
        if positive.all() or not positive.any():
            axes.plot([], [], color=colour, ls=dashes, lw=3, label=f"PSPI ≥ {threshold}: one class only")
            continue
        false, true = roc_curve(positive, guess)
        area = float(np.trapezoid(true, false))
        axes.plot(false, true, color=colour, ls=dashes, lw=3, label=f"PSPI ≥ {threshold}: area {area:.3f}")
    axes.set(xlabel="false-positive rate", ylabel="true-positive rate", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    axes.legend(loc="lower right", frameon=False)
    return figure


def roc_curve(
    positive: Bool[np.ndarray, " frame"], score: Float[np.ndarray, " frame"]
) -> tuple[Float[np.ndarray, " point"], Float[np.ndarray, " point"]]:
    """False- and true-positive rates from (0, 0) to (1, 1); frames of one score make one step."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    true, false = np.cumsum(positive[order])[last], np.cumsum(~positive[order])[last]
    return np.append(0, false) / false[-1], np.append(0, true) / true[-1]


_MONK = "Monk "


@_styled
def group_bars(bars: Sequence[Bar], overall: float, title: str) -> Figure:
    """Mean absolute error of each group with its interval, and that of all frames as a line."""
    figure, axes = _figure(title, height=0.9 + 0.36 * (len(bars) + len({bar.group for bar in bars})))
    place, places, colours = 0.0, [], []
    shades = {name: (BLUE, ORANGE, GREEN, GREY)[i % 4] for i, name in enumerate(dict.fromkeys(b.group for b in bars))}
    for before, bar in zip([None, *bars[:-1]], bars, strict=True):
        place += 1.0 if before is None or before.group == bar.group else 1.6
        places.append(place)
        colours.append(shades[bar.group])
    values = np.array([bar.value for bar in bars])
    axes.barh(places, np.nan_to_num(values), color=colours, height=0.75)
    known = [i for i, bar in enumerate(bars) if np.isfinite([bar.value, bar.low, bar.high]).all()]
    for i in known:
        axes.plot([bars[i].low, bars[i].high], [places[i]] * 2, color=BLACK, lw=2.5, solid_capstyle="butt")
    axes.axvline(overall, color=BLACK, lw=1.5, ls="--")
    axes.set_yticks(places, [_MONK * (bar.group == "monk_third") + bar.name.replace("_", " ") for bar in bars])
    axes.invert_yaxis()
    axes.set(xlabel="mean abs. error of PSPI (dashed: all)", xlim=(0, None))
    return figure


@_styled
def reliability(
    truth: Float[np.ndarray, " frame"], probabilities: Mapping[int, Float[np.ndarray, " frame"]], title: str
) -> Figure:
    """How often PSPI >= t is true among frames that were given about the same probability."""
    figure, axes = _figure(title)
    axes.plot([0, 1], [0, 1], color=GREY, lw=1.5)
    for threshold in THRESHOLDS:
        colour, dashes = _LINES[threshold]
        said, seen = reliability_curve(truth >= threshold, probabilities[threshold])
        axes.plot(said, seen, color=colour, ls=dashes, lw=3, marker="o", ms=8, label=f"PSPI ≥ {threshold}")
    axes.set(xlabel="predicted probability", ylabel="share that is true", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    axes.set_aspect("equal")
    axes.legend(loc="upper left", frameon=False)
    return figure


def reliability_curve(
    positive: Bool[np.ndarray, " frame"], probability: Float[np.ndarray, " frame"]
) -> tuple[Float[np.ndarray, " bin"], Float[np.ndarray, " bin"]]:
    """Mean probability and share of positives in bins of equal width that hold enough frames."""
    place = np.clip((probability * BINS).astype(int), 0, BINS - 1)
    full = [b for b in range(BINS) if (place == b).sum() >= min(FEWEST_IN_A_BIN, len(place))]
    said = np.array([probability[place == b].mean() for b in full])
    return said, np.array([positive[place == b].mean() for b in full])


@_styled
def confusion(truth: Float[np.ndarray, " frame"], guess: Float[np.ndarray, " frame"], title: str) -> Figure:
    """Shares of each true range of PSPI by predicted range, rows summing to 100 %."""
    counts = confusion_counts(truth, guess)
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(100 * counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    figure, axes = _figure(title)
    axes.imshow(np.nan_to_num(shares), cmap="Blues", vmin=0, vmax=100)
    for (row, col), share in np.ndenumerate(shares):
        if np.isfinite(share) and share >= 0.5:
            axes.text(col, row, f"{share:.0f}", ha="center", va="center", color="white" if share > 55 else BLACK)
    names = [str(low) if low == high else f"{low}–{high}" for low, high in CLASSES]
    axes.set_xticks(range(len(names)), names, rotation=45)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted PSPI (rounded)", ylabel="true PSPI; rows: per cent")
    return figure


def confusion_counts(
    truth: Float[np.ndarray, " frame"], guess: Float[np.ndarray, " frame"]
) -> Int[np.ndarray, "true predicted"]:
    """Frames by true and predicted range, scores rounded to whole ones, halves up."""
    lows = np.array([low for low, _ in CLASSES])
    rows, cols = (np.searchsorted(lows, np.floor(values + 0.5), side="right") - 1 for values in (truth, guess))
    counts = np.zeros((len(CLASSES), len(CLASSES)), int)
    np.add.at(counts, (rows, np.maximum(cols, 0)), 1)
    return counts


def _figure(title: str, height: float = 6.4) -> tuple[Figure, Axes]:
    """A figure of our own on the Agg canvas: neither pyplot's state nor a display is touched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left")
    return figure, axes
