"""Models on disk: config.json and model.safetensors, read strictly; no pickle, nothing executed.

FOLDER/config.json           model_type, format_version, pain3d_version, config, encoder
FOLDER/model.safetensors     every weight, those of a frozen pretrained backbone included
FOLDER/calibration.json      thresholds, intervals (when calibrated)
FOLDER/README.md             model card (when given)
"""

from __future__ import annotations

import json
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from huggingface_hub import HfApi, snapshot_download
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pain3d import __version__
from pain3d.errors import DataError, storage_error
from pain3d.model.calibration import FILE as CALIBRATION
from pain3d.model.calibration import Calibration
from pain3d.model.config import ViTPainConfig
from pain3d.outside import json_of

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
BEST = "best"
"""Folder of a run that holds its best model."""
MODEL_TYPE = "vitpain"
FORMAT_VERSION = 1


def bundled() -> list[str]:
    """Names of the models that come with the package."""
    home = _bundled_home()
    return sorted(path.name for path in home.iterdir() if (path / CONFIG).is_file()) if home.is_dir() else []


def find(name_or_path: str | Path) -> Path:
    """The folder that a name stands for: a folder itself, a run, a bundled name, or a Hub id, in this order.

    Raises:
        DataError: if there is none, or if the Hub cannot be reached.
    """
    path, name = Path(name_or_path), str(name_or_path)
    if path.is_dir():
        return path / BEST if (path / BEST).is_dir() else path
    if path.is_file():
        raise DataError(f"{path}: is a file; name the folder that holds {CONFIG} and {WEIGHTS}")
    if name in bundled():
        return _bundled_home() / name
    names = ", ".join(bundled()) or "none"
    if name.count("/") != 1 or name.startswith((".", "/")) or name.endswith("/"):
        raise DataError(
            f"model: {name!r} is no folder and no bundled model; bundled are: {names}; or give a run folder, or a Hub "
            f"id such as owner/name"
        )
    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, WEIGHTS, CALIBRATION, CARD]))
    except (OSError, ValueError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"model: {name!r} is no folder, and the Hugging Face Hub did not give it ({reason}); check the name and "
            f"the network, or use a bundled model: {names}"
        ) from error


def config_of(name_or_path: str | Path) -> ViTPainConfig:
    """The configuration of a model, without its weights.

    Raises:
        DataError: as `load`.
    """
    folder = find(name_or_path)
    return ViTPainConfig.from_json(_read_config(folder)["config"], f"{folder / CONFIG}: config")


def load(name_or_path: str | Path) -> ViTPain:
    """A model, on the CPU, in evaluation mode.

    Raises:
        DataError: names the file, what is wrong with it and the way out.
    """
    from pain3d.model.vitpain import ViTPain

    folder = find(name_or_path)
    data = _read_config(folder)
    config = ViTPainConfig.from_json(data["config"], f"{folder / CONFIG}: config")
    if (config.backbone.pretrained is None) != (data["encoder"] is None):
        raise DataError(
            f"{folder / CONFIG}: encoder must describe a pretrained backbone, and be null otherwise; get the file again"
        )
    weights = _read_weights(folder / WEIGHTS)
    _refuse_larger(folder, config, weights)
    try:
        model = ViTPain(config, encoder_config=data["encoder"])
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(f"{folder / CONFIG}: encoder: no backbone can be built from it ({error})") from error
    _check_weights(folder / WEIGHTS, weights, model.state_dict())
    model.load_state_dict(weights, strict=True)
    model.calibration = Calibration.read(folder)
    return model.eval()


def save(model: ViTPain, folder: Path, *, card: str | None = None) -> Path:
    """Write a model; each file appears whole or not at all, and weights never beside another model's calibration.

    Raises:
        StorageError: if the disk does not take it.
    """
    data = {
        "model_type": MODEL_TYPE,
        "format_version": FORMAT_VERSION,
        "pain3d_version": __version__,
        "config": model.config.to_json(),
        "encoder": model.encoder_config(),
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    files = {WEIGHTS: folder / f"{WEIGHTS}.partial", CONFIG: folder / f"{CONFIG}.partial"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, files[WEIGHTS], metadata={"format": "pt"})
        files[CONFIG].write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        (folder / CALIBRATION).unlink(missing_ok=True)
        for name, partial in files.items():
            partial.replace(folder / name)
        if card is not None:
            (folder / CARD).write_text(card, encoding="utf-8")
    except OSError as error:
        raise storage_error(folder, error) from error
    except SafetensorError as error:
        raise storage_error(folder / WEIGHTS, OSError(0, str(error))) from error
    if model.calibration is not None:
        model.calibration.write(folder)
    return folder


def push(model: ViTPain, repo_id: str, *, card: str | None = None, private: bool = False) -> str:
    """Upload a model to the Hub with the token of `hf auth login`; the address of the commit.

    Raises:
        DataError: if the Hub refuses or cannot be reached.
    """
    api = HfApi()
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder), card=card)
        try:
            api.create_repo(repo_id, private=private, exist_ok=True)
            return str(api.upload_folder(repo_id=repo_id, folder_path=folder, commit_message="pain3d ViTPain"))
        except (OSError, ValueError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise DataError(
                f"repo_id: {repo_id!r}: the Hugging Face Hub did not take it ({reason}); log in with `hf auth login`, "
                f"check the name and the network"
            ) from error


def _bundled_home() -> Path:
    return Path(str(resources.files("pain3d") / "checkpoints"))


def _read_config(folder: Path) -> dict[str, Any]:
    """config.json of a model of this kind and format."""
    path = folder / CONFIG
    try:
        data = json_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"{folder}: holds no {CONFIG}, so it is no model; a run has one in {BEST} once it was validated"
        ) from error
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: is not readable JSON ({error}); get the file again") from error
    kind = data.get("model_type") if isinstance(data, dict) else None
    if kind != MODEL_TYPE:
        raise DataError(f"{path}: is of model_type {kind!r}, not {MODEL_TYPE!r}; name a folder that pain3d wrote")
    if data.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: has format_version {data.get('format_version')!r}, this pain3d ({__version__}) reads "
            f"{FORMAT_VERSION}; use the version that wrote it ({data.get('pain3d_version')})"
        )
    missing = [name for name in ("config", "encoder") if name not in data]
    if missing:
        raise DataError(f"{path}: {', '.join(missing)} is missing; get the file again")
    return data


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise DataError(f"{path}: is missing; get the whole folder again")
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path}: is damaged or truncated ({error}); get the file again") from error


def _refuse_larger(folder: Path, config: ViTPainConfig, weights: dict[str, torch.Tensor]) -> None:
    """Refuse a configuration whose model would have more weights than there are, before memory is taken for it."""
    backbone, held = config.backbone, sum(tensor.numel() for tensor in weights.values())
    rows, columns = config.grid
    read_by_heads = backbone.hidden_size + rows * columns * (config.layout_channels or 0)
    least = backbone.layers * backbone.hidden_size**2 + read_by_heads * config.head_hidden
    if least > held:
        raise DataError(
            f"{folder / WEIGHTS}: does not fit its {CONFIG}: {held:,} numbers for a model of at least {least:,}; the "
            f"two are of different models: get both again"
        )


def _check_weights(path: Path, weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """Every tensor, no other one, each of its shape and type."""
    missing = sorted(set(expected) - set(weights))
    unexpected = sorted(set(weights) - set(expected))
    if missing or unexpected:
        parts = [f"missing {_some(missing)}"] * bool(missing) + [f"unexpected {_some(unexpected)}"] * bool(unexpected)
        raise DataError(
            f"{path}: does not fit its {CONFIG}: {'; '.join(parts)}; the two are of different models: get both again"
        )
    for name, tensor in expected.items():
        found = weights[name]
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise DataError(
                f"{path}: does not fit its {CONFIG}: {name} is {found.dtype} {list(found.shape)} instead of "
                f"{tensor.dtype} {list(tensor.shape)}; the two are of different models: get both again"
            )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
