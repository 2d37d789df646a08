"""No pickle is ever loaded: a file that holds one runs what its writer wished."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "pain3d"
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
"""Modules that do nothing else, or as good as nothing."""
LOADERS = {
    "torch.load",
    "torch.jit.load",
    "torch.hub.load",
    "np.load",
    "numpy.load",
    "pd.read_pickle",
    "yaml.load",
    "yaml.unsafe_load",
}
"""Calls that unpickle unless they are told not to."""


def found(tree: ast.AST) -> list[str]:
    """Imports and calls that may unpickle."""
    bad = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            bad += [name.name for name in node.names if name.name.partition(".")[0] in UNPICKLERS]
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{name.name}" for name in node.names}
            bad += sorted(names & LOADERS) + [str(node.module)] * ((node.module or "").partition(".")[0] in UNPICKLERS)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in LOADERS:
            told = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if told.get("allow_pickle") != "False":
                bad.append(ast.unparse(node))
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            bad.append("allow_pickle")
    return bad


def test_no_module_loads_a_pickle() -> None:
    bad = {str(path): found(ast.parse(path.read_text(encoding="utf-8"))) for path in SOURCE.rglob("*.py")}
    assert len(bad) > 100 and {path: calls for path, calls in bad.items() if calls} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import torch; torch.load(path)",
        "import numpy as np; np.load(path)",
        "import numpy as np; np.load(path, allow_pickle=True)",
        "from torch import load",
    ],
)
def test_the_test_sees_them(code: str) -> None:
    assert found(ast.parse(code))
