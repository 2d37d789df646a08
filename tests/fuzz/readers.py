"""Every reader of bytes from outside that is fuzzed, by name."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("data", "model"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

import data_targets  # noqa: E402
import import_targets  # noqa: E402
import learn_targets  # noqa: E402
from law import Target  # noqa: E402

TARGETS: dict[str, Target] = {**data_targets.TARGETS, **import_targets.TARGETS, **learn_targets.TARGETS}
