"""Text from outside as plain values: whatever is wrong with it is a ValueError."""

from __future__ import annotations

import json
from typing import Any


def json_of(text: str | bytes) -> Any:
    """What a JSON text says.

    Raises:
        ValueError: if it is none, or holds lists in lists deeper than Python reads.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("lists or objects lie within each other too deeply") from None
