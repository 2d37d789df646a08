"""Where the folder of a skin model is, and which one it is; without torch, which is needed to sample alone."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from pain3d.errors import ArgumentError, DataError

BUNDLED = "skin-tiny"
"""What ``diffusion`` stands for: a folder beside the bundled readers."""
CONFIG, WEIGHTS, INDEX = "config.json", "diffusion_pytorch_model.safetensors", "model_index.json"
_FILES = (
    f"skin/{CONFIG}",
    "skin/mean.safetensors",
    *(f"{part}/{file}" for part in ("unet", "vae") for file in (CONFIG, WEIGHTS)),
)


def find(name_or_path: str | Path) -> Path:
    """The folder of a skin model: ``diffusion`` (the bundled one), a folder, or a Hub id.

    Raises:
        ArgumentError: for a name that cannot be one.
        DataError: if there is none.
    """
    name, path = str(name_or_path), Path(name_or_path)
    if name == "diffusion":
        path = Path(str(resources.files("pain3d") / "checkpoints" / BUNDLED))
        if not path.is_dir():
            raise DataError(
                "skin: no diffusion model comes with this build of pain3d; make one with `pain3d train-skin OUT` and "
                "give its folder, or use skin=procedural"
            )
        return path
    if path.exists():
        return path
    if name.count("/") != 1 or name.startswith((".", "/")) or name.endswith("/"):
        raise ArgumentError(
            f"skin: {name!r} is no folder; give procedural, diffusion, a folder, or a Hub id owner/name"
        )
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=[*_FILES, INDEX, "README.md"]))
    except (OSError, ValueError) as error:
        raise DataError(
            f"skin: {name!r} is no folder, and the Hugging Face Hub did not give it; check name and network, or use "
            f"skin=procedural"
        ) from error


def digest_of(folder: Path) -> str:
    """SHA-256 over the files that decide a sample.

    Raises:
        DataError: if one is missing.
    """
    whole = hashlib.sha256()
    for name in _FILES:
        try:
            whole.update(hashlib.sha256((folder / name).read_bytes()).digest())
        except OSError as error:
            raise DataError(f"{folder / name}: is missing or unreadable; get the whole folder again") from error
    return whole.hexdigest()
