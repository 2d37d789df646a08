"""The house rules that can be read off the source: who may import whom, and what nobody may use."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "pain3d"

BASE = {"arguments", "facs", "errors", "interrupt", "outside", "pages", "pictures", "places", "stores", "streams"}
BELOW = {
    "facs": set(),
    "errors": set(),
    "interrupt": set(),
    "outside": set(),
    "arguments": set(),
    "pages": set(),
    "pictures": {"errors"},
    "places": {"errors"},
    "stores": {"errors"},
    "streams": {"arguments"},
    "demographics": BASE,
    "expressions": BASE | {"demographics"},
    "face": BASE | {"demographics"},
    "skin": BASE | {"demographics", "face"},
    "worn": BASE | {"demographics", "face", "skin"},
    "render": BASE | {"demographics", "face", "skin", "worn"},
    "data": BASE | {"demographics"},
    "synth": BASE | {"demographics", "expressions", "face", "skin", "worn", "render", "data"},
    "gltf": BASE | {"demographics", "expressions", "face", "skin", "worn", "render", "data", "synth"},
    "model": BASE | {"demographics", "data"},
    "train": BASE | {"demographics", "data", "model"},
    "evaluate": BASE | {"demographics", "expressions", "data", "model", "train"},
    "studio": BASE
    | {"demographics", "expressions", "face", "skin", "worn", "render", "data", "synth", "gltf"}
    | {"model", "train", "evaluate"},
}
"""What each part may import besides itself: docs/architecture.md. The parts on top may import anything."""

TOP = {"__init__", "__main__", "cli", "console"}

MAKING = ("gltf", "synth", "render", "worn", "face", "skin")
"""The parts that make frames: the learning half reads datasets and knows nothing of where they come from."""

LEARNING = ("model", "train", "evaluate")

SEEDED = (*MAKING, *LEARNING)
"""Where a frame is made or a model learns: no clock, no chance but the seed's."""

STOPWATCH = {"synth.generate": {"time"}, "synth.cost": {"time"}, "train.loop": {"time"}, "train.tally": {"time"}}
"""Modules that may read a clock, to tell how long a run took; no frame, weight or score depends on it."""

BY_IDENTITY = {"train.optim"}
"""Modules that may tell objects apart by id(): a parameter stands in one group, whatever its values."""

DRAWS = {"rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "rand_like", "randn_like"}
"""Functions of torch that take from its global state unless they are given a generator."""

FORKED = {
    "model.heads": {"torch.randn"},
    "skin.diffusion.recipe": {"torch.manual_seed"},
    "train.learner": {"torch.manual_seed"},
    "train.loop": {"torch.manual_seed"},
}
"""Uses of torch's global state where the caller has put a copy in its place that ends with the block: layers draw their
first weights, and dropout its masks, from nothing else."""

STREAMED = {"data.importers.members"}
"""Modules that may read tar archives: member by member in a stream; nobody extracts one."""

MODULES = sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imports(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of everything a module imports, wherever in it the import stands."""
    package = ("pain3d." + module).rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}"


def upward(source: str, module: str) -> list[str]:
    """The imports of a module that its part may not make."""
    part = module.partition(".")[0]
    if part in TOP:
        return []
    wrong = []
    for line, name in imports(ast.parse(source), module):
        if not name.startswith("pain3d") or name == "pain3d.__version__":
            continue
        pieces = name.split(".")
        other = pieces[1] if len(pieces) > 1 else "__init__"
        if other != part and other not in BELOW[part]:
            wrong.append(f"{module}:{line}: {part} imports {name}")
    return wrong


def calls(tree: ast.AST) -> Iterator[tuple[int, str, int]]:
    """Line, dotted name and number of arguments of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), len(node.args) + len(node.keywords)


def unseeded(source: str, module: str) -> list[str]:
    """Uses of a clock, of chance that no seed governs, or of names that differ from run to run."""
    tree = ast.parse(source)
    banned = {"time", "datetime", "uuid", "secrets", "random"} - STOPWATCH.get(module, set())
    wrong = [f"{module}:{line}: imports {name}" for line, name in imports(tree, module) if name.split(".")[0] in banned]
    for line, name, arguments in calls(tree):
        pieces = name.split(".")
        if pieces[-1] in ("urandom", "getpid", "default_rng") and (pieces[-1] != "default_rng" or arguments == 0):
            wrong.append(f"{module}:{line}: calls {name}")
        seeded = ("Generator", "PCG64", "SeedSequence", "default_rng", "fork_rng")
        if "random" in pieces[:-1] and pieces[-1] not in seeded:
            wrong.append(f"{module}:{line}: calls {name}, numpy's global state")
        if name == "hash" or (name == "id" and module not in BY_IDENTITY):
            wrong.append(f"{module}:{line}: calls {name}(), which differs from run to run")
    return wrong


def drawn_from_torch(source: str, module: str) -> list[str]:
    """Draws from torch's global random state, and changes of it, outside `FORKED`."""
    wrong = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        root, _, function = name.rpartition(".")
        own = any(keyword.arg == "generator" for keyword in node.keywords)
        drawn = root == "torch" and (function in ("seed", "manual_seed", "set_rng_state") or function in DRAWS)
        if drawn and not own and name not in FORKED.get(module, set()):
            wrong.append(f"{module}:{node.lineno}: calls {name}, torch's global state")
    return wrong


def unsafe(source: str, module: str) -> list[str]:
    """Ways of running what a file says, and of guessing what an object holds."""
    tree = ast.parse(source)
    banned = ("pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "tarfile", "joblib")
    pickled = ("torch.save", "torch.load")
    wrong = [
        f"{module}:{line}: imports {name}"
        for line, name in imports(tree, module)
        if (name.split(".")[0] in banned and not (name == "tarfile" and module in STREAMED)) or name in pickled
    ]
    for line, name, arguments in calls(tree):
        if name in ("eval", "exec", *pickled) or name.endswith(
            (".save_state", ".load_state", ".extractall", ".extract")
        ):
            wrong.append(f"{module}:{line}: calls {name}")
        if name == "getattr" and arguments > 2:
            wrong.append(f"{module}:{line}: getattr with a default")
    return wrong


def refused(source: str, module: str) -> list[str]:
    """Packages that we do without: docs/architecture.md, of packages."""
    found = imports(ast.parse(source), module)
    return [f"{module}:{line}: imports {name}" for line, name in found if name.split(".")[0] in ("torchvision", "timm")]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
@pytest.mark.parametrize("rule", [upward, unsafe, refused])
def test_the_rules_hold(path, rule):
    assert rule(path.read_text(), name_of(path)) == []


@pytest.mark.parametrize("path", [path for part in SEEDED for path in sorted((ROOT / part).rglob("*.py"))], ids=name_of)
def test_the_seed_is_the_only_source_of_chance(path):
    assert unseeded(path.read_text(), name_of(path)) == []
    assert drawn_from_torch(path.read_text(), name_of(path)) == []


def test_the_learning_half_knows_nothing_of_how_frames_are_made():
    for part in LEARNING:
        assert not BELOW[part] & set(MAKING)


def test_every_part_has_its_place():
    assert {name_of(path).partition(".")[0] for path in MODULES} <= set(BELOW) | TOP


def test_the_picture_of_the_house_has_no_cycle():
    for part, below in BELOW.items():
        for other in below:
            assert part not in BELOW[other]
            assert BELOW[other] <= below


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (upward, "face.rig", "from pain3d.render.scene import Camera"),
        (upward, "data.audit", "def f():\n    from pain3d.face import mesh"),
        (upward, "data.audit", "import pain3d"),
        (upward, "data.audit", "from pain3d import synth"),
        (upward, "data.audit", "from ..synth import plan"),
        (upward, "facs", "from pain3d.errors import UserError"),
        (unseeded, "face.rig", "import time"),
        (unseeded, "face.rig", "from datetime import datetime"),
        (unseeded, "face.rig", "import uuid"),
        (unseeded, "face.rig", "import os\nos.urandom(3)"),
        (unseeded, "face.rig", "import numpy as np\nnp.random.normal(3)"),
        (unseeded, "face.rig", "import numpy as np\nnp.random.seed(3)"),
        (unseeded, "face.rig", "import numpy as np\nnp.random.default_rng()"),
        (unseeded, "face.rig", "hash('x')"),
        (unsafe, "face.rig", "import pickle"),
        (unsafe, "face.rig", "from tarfile import open"),
        (unsafe, "data.importers.members", "archive.extractall(folder)"),
        (unsafe, "face.rig", "eval('1')"),
        (unsafe, "face.rig", "getattr(x, 'y', None)"),
        (upward, "evaluate.oracle", "from pain3d.face.rig import Rig"),
        (upward, "model.vitpain", "from pain3d.train.loop import train"),
        (upward, "train.loop", "from pain3d.evaluate.metrics import mae"),
        (unsafe, "train.state", "import torch\ntorch.save(x, path)"),
        (unsafe, "train.state", "from torch import load"),
        (unsafe, "train.state", "accelerator.save_state(folder)"),
        (refused, "model.backbone", "import timm"),
        (refused, "pictures", "from torchvision.transforms import v2"),
        (drawn_from_torch, "model.heads", "torch.rand(3)"),
        (drawn_from_torch, "train.frames", "torch.manual_seed(0)"),
    ],
)
def test_the_rules_can_fail(rule, module, source):
    assert len(rule(source, module)) == 1


@pytest.mark.parametrize(
    ("rule", "module", "source"),
    [
        (upward, "synth.plan", "from pain3d import __version__\nfrom pain3d.data.writer import write_shard"),
        (upward, "data.audit", "from .schema import SCHEMA_VERSION\nfrom pain3d.facs import pspi"),
        (unseeded, "face.rig", "import numpy as np\nnp.random.Generator(np.random.PCG64(3))"),
        (unseeded, "face.rig", "rng.normal(size=3)"),
        (unsafe, "face.rig", "getattr(x, name)"),
        (unseeded, "model.vitpain", "with torch.random.fork_rng():\n    pass"),
        (drawn_from_torch, "train.frames", "torch.rand(3, generator=torch.Generator().manual_seed(3))"),
    ],
)
def test_the_rules_let_honest_code_pass(rule, module, source):
    assert rule(source, module) == []


def test_importing_the_package_loads_neither_torch_nor_warp():
    code = "import sys, pain3d; print(sorted({'torch', 'warp', 'datasets', 'pyarrow'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_learning_half_can_read_a_dataset_without_torch_or_warp():
    code = "import sys, pain3d.data.reader, pain3d.data.audit; print(sorted({'torch', 'warp'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
