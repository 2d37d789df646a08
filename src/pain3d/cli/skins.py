"""The command that trains skin models: words to calls, no logic. Torch is loaded when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pain3d.cli.answers import Answer
from pain3d.console import say


@dataclass(frozen=True, kw_only=True)
class TrainSkin:
    """Train a diffusion model of skins on painted skins, or go on where an earlier run stopped.

    OUT is then a model for --skin. Options that are not given are the preset's.
    """

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder of the model: new, empty, or holding a part of the same run."""
    preset: Literal["cpu", "gpu"] = "cpu"
    """cpu: one core; gpu: wider, longer, more skins."""
    painted: int | None = None
    """Skins to paint and learn from."""
    packer_steps: int | None = None
    """Steps of the autoencoder."""
    steps: int | None = None
    """Steps of the denoiser."""
    seed: int | None = None
    """Of the skins, the first weights, the order and the noise."""
    device: Literal["cpu", "cuda"] = "cpu"
    """What torch computes on."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from dataclasses import replace

        from pain3d.skin.diffusion.recipe import PRESETS, train_skin
        from pain3d.synth.studio import prepare
        from pain3d.synth.subject import training_painter

        given = {name: vars(self)[name] for name in ("painted", "packer_steps", "steps", "seed")}
        recipe = replace(PRESETS[self.preset], **{name: value for name, value in given.items() if value is not None})
        prepare()
        made = train_skin(self.out, recipe, training_painter, device=self.device, say=say)
        return Answer(text=f"wrote {made}; use it with --skin {made}", data={"model": str(made)})
