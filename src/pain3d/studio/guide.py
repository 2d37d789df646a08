"""What the page is made of before anybody is shown: Action Units in words, expressions, choices, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pain3d import __version__
from pain3d.demographics import ETHNICITIES, MAX_AGE_YEARS, MIN_AGE_YEARS, SEXES
from pain3d.evaluate.predict import WORDING
from pain3d.face.rig import LEVEL_WEIGHTS, LEVELS
from pain3d.facs import AU_DESCRIPTIONS, MAX_INTENSITY, MAX_PSPI, PAIN_AUS, Expression
from pain3d.render.backgrounds import BACKGROUNDS
from pain3d.render.lights import LIGHTS
from pain3d.skin.looks import HAIR
from pain3d.studio.asked import LARGEST, SKINS

DOES: Mapping[str, str] = {
    "AU1": "inner brow ends go up",
    "AU2": "outer brow ends go up",
    "AU4": "brows go down and together",
    "AU5": "the eyes open wide",
    "AU6": "cheeks rise, eyes narrow",
    "AU7": "both lids tighten",
    "AU9": "the nose wrinkles, wings rise",
    "AU10": "the upper lip rises, squared",
    "AU12": "lip corners go up, a smile",
    "AU15": "lip corners go down",
    "AU17": "chin and lower lip push up",
    "AU20": "lips stretch sideways",
    "AU25": "the lips come apart",
    "AU26": "the jaw drops, relaxed",
    "AU27": "the mouth opens wide",
    "AU43": "both eyes are shut",
}
"""What each Action Unit does to a face, in a line for people who do not know FACS."""

HEAT_MM = 8.0
"""Displacement at which the colours of the studio's heatmaps end, on the mesh and over the picture."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """An expression to begin with."""

    name: str
    says: str
    expression: Expression


PRESETS = (
    Preset(name="neutral", says="nothing moves", expression=Expression()),
    Preset(name="mild", says="brows and lids", expression=Expression(AU4=1, AU7=1, AU10=1)),
    Preset(
        name="moderate",
        says="brows, cheeks, upper lip",
        expression=Expression(AU4=2, AU6=2, AU7=2, AU10=2, AU25=1),
    ),
    Preset(
        name="severe",
        says="all six units, eyes shut",
        expression=Expression(AU4=4, AU6=4, AU7=5, AU9=3, AU10=4, AU20=2, AU25=3, AU43=1),
    ),
    Preset(
        name="smile",
        says="no pain, yet its raised cheeks count",
        expression=Expression(AU6=3, AU12=4, AU25=2),
    ),
    Preset(
        name="disgust",
        says="no pain, yet nose and upper lip count",
        expression=Expression(AU9=4, AU10=3, AU17=1),
    ),
    Preset(
        name="surprise",
        says="nothing of it counts",
        expression=Expression(AU1=4, AU2=4, AU5=4, AU25=3, AU26=4),
    ),
)  # fmt: skip


def guide() -> dict[str, Any]:
    """The same for everybody, as plain values."""
    return {
        "version": __version__,
        "wording": WORDING,
        "units": [
            {
                "name": name,
                "title": title,
                "does": DOES[name],
                "counts": name in PAIN_AUS,
                "most": 1 if name == "AU43" else MAX_INTENSITY,
            }
            for name, title in AU_DESCRIPTIONS.items()
        ],
        "presets": [
            {
                "name": one.name,
                "says": one.says,
                "aus": {name: value for name, value in one.expression.items() if value},
            }
            for one in PRESETS
        ],
        "choices": {
            "sex": SEXES,
            "ethnicity": ETHNICITIES,
            "light": LIGHTS,
            "background": BACKGROUNDS,
            "skin": SKINS,
            "hair": HAIR,
        },
        "age_years": [MIN_AGE_YEARS, MAX_AGE_YEARS],
        "most_pspi": MAX_PSPI,
        "heat_mm": HEAT_MM,
        "largest": LARGEST,
        "intensity_to_weight": {"levels": LEVELS, "weights": LEVEL_WEIGHTS},
    }
