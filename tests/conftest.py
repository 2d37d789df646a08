"""`pytest --shapes` checks the shapes and types of arrays at run time; it takes a third longer."""

from __future__ import annotations

import os

import pytest
from jaxtyping import install_import_hook

CHECKED = (
    *("pain3d.facs", "pain3d.demographics", "pain3d.expressions", "pain3d.face", "pain3d.data", "pain3d.synth"),
    *("pain3d.skin.maps", "pain3d.skin.template", "pain3d.skin.traits", "pain3d.skin.tone", "pain3d.skin.spectra"),
    *("pain3d.skin.fields", "pain3d.skin.lines", "pain3d.skin.strokes", "pain3d.skin.hair", "pain3d.skin.ground"),
    *("pain3d.render.frame", "pain3d.render.heatmap", "pain3d.render.layout"),
    *("pain3d.render.environment", "pain3d.render.lights", "pain3d.render.backgrounds", "pain3d.render.reference"),
)
"""Modules whose annotations are held to. Warp reads the source of its kernels, so modules with kernels stay as they
are; worker processes do not check."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--shapes", action="store_true", help="check shapes and types of arrays at run time")


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # of pytest -n: threads of two processes that wait for each other spin
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    if config.getoption("--shapes"):
        install_import_hook(CHECKED, "shape_checks.shapes_checked")


@pytest.fixture(scope="module")
def one_thread():
    """torch on one thread: sums in one order, so that runs can be compared to the bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
