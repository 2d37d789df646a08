from pathlib import Path
from pain3d.data.manifest import Manifest
def write_croissant(out: Path, manifest: Manifest) -> None:
    (out / "croissant.json").write_text("stub")
