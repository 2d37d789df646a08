"""Shapes and types are checked at run time, in the tests alone."""

from __future__ import annotations

from jaxtyping import install_import_hook

CHECKED = (
    *("pain3d.facs", "pain3d.demographics", "pain3d.expressions", "pain3d.streams", "pain3d.errors"),
    *("pain3d.face", "pain3d.data", "pain3d.synth"),
    *("pain3d.skin.maps", "pain3d.skin.template", "pain3d.skin.traits", "pain3d.skin.tone", "pain3d.skin.spectra"),
    *("pain3d.skin.fields", "pain3d.skin.lines", "pain3d.skin.strokes", "pain3d.skin.atlas", "pain3d.skin.procedural"),
    *("pain3d.render.scene", "pain3d.render.frame", "pain3d.render.heatmap", "pain3d.render.layout"),
    *("pain3d.render.environment", "pain3d.render.lights", "pain3d.render.backgrounds", "pain3d.render.reference"),
)
"""Modules whose annotations are enforced. Warp reads the source of its kernels: modules that hold any stay as they are."""

install_import_hook(CHECKED, "beartype.beartype")
