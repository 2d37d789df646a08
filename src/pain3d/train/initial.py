"""Weights to start from: all of a checkpoint's, into a model of the same architecture, and a record of what was loaded.

Fine-tuning has to be exact about this: a tensor that was left out in silence, or a head that was drawn anew, makes
another experiment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from safetensors.torch import save as safetensors_bytes
from torch import nn

from pain3d.data.findings import listed
from pain3d.errors import ArgumentError
from pain3d.model.config import ViTPainConfig
from pain3d.model.vitpain import ViTPain
from pain3d.streams import derive_seed
from pain3d.train.config import TrainConfig, differences

_NO_ARCHITECTURE = ("head_dropout", "backbone.drop_path", "backbone.pretrained", "lora.dropout")
"""What may differ: it decides how a model is trained, or where its first weights came from, not what it is."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Initial:
    """A checkpoint that a run starts from."""

    name: str
    """As it was asked for: run folder, checkpoint folder, Hub id or bundled name."""
    model: ViTPain

    @property
    def sha256(self) -> str:
        """Of all its weights, wherever its folder lies."""
        return weights_sha256(self.model)

    def record(self) -> dict[str, Any]:
        """What was loaded, for the run's config.json."""
        return {
            "name": self.name,
            "weights_sha256": self.sha256,
            "tensors": len(self.model.state_dict()),
            "parameters": self.model.parameter_count,
            "left_behind": [] if self.model.calibration is None else ["calibration"],
        }

    def copy(self, config: ViTPainConfig) -> ViTPain:
        """A model of this configuration with every weight of the checkpoint; nothing is downloaded."""
        model = ViTPain(config, encoder_config=self.model.encoder_config())
        model.load_state_dict(self.model.state_dict(), strict=True)
        return model


def load_initial(config: TrainConfig) -> Initial | None:
    """The checkpoint that the configuration names, held against its model.

    Raises:
        DataError: if there is no such model, or it is damaged.
        ArgumentError: if its architecture is another one; every difference is named.
    """
    if config.init is None:
        return None
    model = ViTPain.from_pretrained(config.init)
    differing = architecture_differences(config.model, model.config)
    if differing:
        raise ArgumentError(
            f"init: {config.init} is of another architecture than this configuration "
            f"({listed(differing, shown=8)}); take the recipe finetune_unbc or linear_probe, whose model is the "
            f"checkpoint's, or a checkpoint of this architecture"
        )
    return Initial(name=config.init, model=model)


def architecture_differences(ours: ViTPainConfig, theirs: ViTPainConfig) -> list[str]:
    """What differs between two models, one line each, as in ``image_size: 112 there, 224 asked for``."""
    lines = differences(ours.to_json(), theirs.to_json())
    return [line for line in lines if line.partition(":")[0] not in _NO_ARCHITECTURE]


def first_model(config: TrainConfig, initial: Initial | None) -> ViTPain:
    """The model at step 0: drawn from the run's seed, or the checkpoint's."""
    if initial is None:
        return ViTPain(config.model, seed=derive_seed(config.seed, "model"))
    return initial.copy(config.model)


def weights_sha256(model: nn.Module) -> str:
    """A hash of all weights: which model it was, wherever its folder lies."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(safetensors_bytes({name: value.detach().cpu().contiguous()}))
    return digest.hexdigest()
