"""Grounds: what the painter lays below its strokes, as the picture that the model learns and replaces."""

from __future__ import annotations

import numpy as np

from pain3d.skin.diffusion.chart import Chart, Picture
from pain3d.skin.procedural import Painter
from pain3d.skin.traits import SkinTraits


class Grounds:
    """Paints the chart's window alone: a quarter of the atlas."""

    def __init__(self, painter: Painter) -> None:
        self.painter = painter
        self.chart = Chart(painter.atlas)
        window = np.zeros((painter.atlas.size, painter.atlas.size), dtype=bool)
        window[self.chart.window] = True
        self._area = painter.area(window)

    def picture(self, traits: SkinTraits) -> Picture:
        """float32 picture of a skin without hair, lines and marks: a pure function of traits and atlas."""
        return self.chart.picture(self.painter.paint(traits, bare=True, area=self._area))
