"""pain3d: synthetic, fully annotated pain faces from a seed.

    subject = pain3d.Subject.sample(seed=7, age_years=71, sex="female", ethnicity="black")
    frame = pain3d.render(subject, pain3d.Expression(AU4=3, AU6=2, AU9=4, AU43=1), yaw=30)
    frame.image, frame.heatmap, frame.landmarks, frame.expression.pspi

    pain3d.generate("OUT", pain3d.PlanConfig(subjects=50))
    for sample in pain3d.open_dataset("OUT", split="train"): ...

    model = pain3d.ViTPain.from_pretrained("vitpain-tiny")
    prediction = model.predict("photo.jpg")
    prediction.pspi, prediction.interval, prediction.aus["AU4"]

Importing this page loads neither torch nor warp; a name brings what it needs when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

# The package pain3d.render and the function share a name. Python sets `pain3d.render` to the package when that is first
# loaded: it is loaded here, while it is still empty, so that the function has the last word.
import_module("pain3d.render")
from pain3d.synth.portrait import Portrait, render  # noqa: E402

# The same for two more packages: loaded while empty, and their names set free for the functions, which come when asked
# for; Python does not set them again.
for _package in ("evaluate", "train"):
    import_module(f"pain3d.{_package}")
    del globals()[_package]

if TYPE_CHECKING:
    from pain3d.data.audit import audit
    from pain3d.data.exporters.threedpain import export_3dpain
    from pain3d.data.importers.folder import import_folder
    from pain3d.data.importers.threedpain import import_3dpain
    from pain3d.data.importers.unbc import import_unbc
    from pain3d.data.reader import open_dataset
    from pain3d.evaluate.evaluate import evaluate
    from pain3d.facs import Expression, pspi
    from pain3d.model.prediction import Prediction
    from pain3d.model.vitpain import ViTPain
    from pain3d.skin.looks import Looks
    from pain3d.synth.generate import generate
    from pain3d.synth.plan import PlanConfig
    from pain3d.synth.rows import reproduce
    from pain3d.synth.subject import Subject
    from pain3d.train.loop import train

_HOMES = {
    "Expression": "pain3d.facs",
    "Looks": "pain3d.skin.looks",
    "PlanConfig": "pain3d.synth.plan",
    "Prediction": "pain3d.model.prediction",
    "Subject": "pain3d.synth.subject",
    "ViTPain": "pain3d.model.vitpain",
    "audit": "pain3d.data.audit",
    "evaluate": "pain3d.evaluate.evaluate",
    "export_3dpain": "pain3d.data.exporters.threedpain",
    "generate": "pain3d.synth.generate",
    "import_3dpain": "pain3d.data.importers.threedpain",
    "import_folder": "pain3d.data.importers.folder",
    "import_unbc": "pain3d.data.importers.unbc",
    "open_dataset": "pain3d.data.reader",
    "pspi": "pain3d.facs",
    "reproduce": "pain3d.synth.rows",
    "train": "pain3d.train.loop",
}
"""Where the names live that are loaded when they are first used."""

__all__ = [
    "Expression",
    "Looks",
    "PlanConfig",
    "Portrait",
    "Prediction",
    "Subject",
    "ViTPain",
    "audit",
    "evaluate",
    "export_3dpain",
    "generate",
    "import_3dpain",
    "import_folder",
    "import_unbc",
    "open_dataset",
    "pspi",
    "render",
    "reproduce",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'pain3d' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
