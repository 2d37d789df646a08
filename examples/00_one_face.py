"""One person at rest and in pain, with every label, in twenty lines.

Usage: python examples/one_face.py [FOLDER]
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

import pain3d

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "one-face")
folder.mkdir(parents=True, exist_ok=True)

subject = pain3d.Subject.sample(seed=7, age_years=71, sex="female", ethnicity="black")
expression = pain3d.Expression(AU4=4, AU6=4, AU7=3, AU9=3, AU10=4, AU25=2)

neutral = pain3d.render(subject, yaw=30)
pain = pain3d.render(subject, expression, yaw=30)

Image.fromarray(neutral.image).save(folder / "neutral.png")
Image.fromarray(pain.image).save(folder / "pain.png")
Image.fromarray((pain.heatmap.clip(0, 16) / 16 * 255).astype(np.uint8)).save(folder / "heatmap.png")
Image.fromarray(pain.segmentation * 25).save(folder / "segmentation.png")

print(subject)
print(f"{expression}: PSPI {expression.pspi:g}, skin moves up to {pain.heatmap.max():.1f} mm")
print(f"nose tip at {pain.landmarks[30].round(1)} px, pictures in {folder}/")
