"""The command that makes one subject of a dataset again."""

from __future__ import annotations

import shlex
from dataclasses import fields

from pain3d.data.manifest import Manifest
from pain3d.skin.diffusion import folder
from pain3d.skin.looks import DEFAULT, PROCEDURAL
from pain3d.synth.plan import PlanConfig, PlanOptions, options_of

SUBJECT = "SUBJECT"
"""Stands for the subject in the command."""


def remake_command(manifest: Manifest) -> str | None:
    """``pain3d generate SUBJECT --only SUBJECT ...`` with every option that is not the default.

    None where the manifest does not tell every option: the dataset was imported, or made by hand. Where the
    skin model is not the bundled one, or backgrounds were a user's own, MODEL and DIR stand for them.
    """
    if manifest.design is None:
        return None
    values = {**manifest.configuration, **options_of(manifest.design), "seed": manifest.seed}
    values |= {"annotations": manifest.annotations, "only": (SUBJECT,)}
    if not {part.name for part in fields(PlanOptions)} <= set(values):
        return None
    values["skin"] = _skin(str(values["skin"]))
    if values["backgrounds"] is not None:
        values["backgrounds"] = "DIR"
    words = ["pain3d", "generate", SUBJECT]
    defaults = {**vars(PlanConfig(sequence=values["sequence"])), "sequence": None}  # what is left out is filled in
    for part in fields(PlanOptions):
        words += _words(part.name.replace("_", "-"), values[part.name], defaults[part.name])
    return shlex.join(words)


def _words(name: str, value: object, default: object) -> list[str]:
    if value == default:
        return []
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    several = value if isinstance(value, tuple) else (value,)
    return [word for one in several for word in (f"--{name}", f"{one:g}" if isinstance(one, float) else str(one))]


def _skin(made_with: str) -> str:
    if made_with == PROCEDURAL:
        return PROCEDURAL
    bundled = folder.digest_of(folder.find(DEFAULT.skin))
    return DEFAULT.skin if made_with == f"diffusion {bundled}" else "MODEL"
