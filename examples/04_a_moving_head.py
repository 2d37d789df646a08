"""One person as a .glb whose Action Units any 3D viewer moves.

Usage: python examples/04_a_moving_head.py [OUT.glb]
"""

import sys

import pain3d

path = sys.argv[1] if len(sys.argv) > 1 else "head.glb"
subject = pain3d.Subject.sample(seed=7, age_years=71, sex="female", ethnicity="black")
print(pain3d.export_glb(subject, path).text())
