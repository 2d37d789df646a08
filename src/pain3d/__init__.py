"""pain3d: synthetic, fully annotated pain faces from a seed."""

from pain3d.facs import Expression, pspi

__all__ = ["Expression", "pspi"]
__version__ = "0.1.0"
