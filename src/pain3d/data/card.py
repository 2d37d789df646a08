from pathlib import Path
from pain3d.data.manifest import Manifest
def write_card(out: Path, manifest: Manifest) -> None:
    (out / "README.md").write_text("stub")
