"""Labels as typed columns that a page without a server can hold: the narrowest exact type, base64 in JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped

Packed = dict[str, Any]
"""One column as JSON: ``kind`` is ``numbers`` (type, missing, data), ``words`` (words, codes) or ``texts``."""

_WHOLE = (("u1", 0, 254, 255), ("i2", -32767, 32767, -32768), ("i4", -(2**31) + 1, 2**31 - 1, -(2**31)))
"""Type, least and largest value, and the value that stands for none."""


def packed(values: pa.ChunkedArray) -> Packed | None:
    """A column of numbers or strings; None where no row has a value, or where it is of another kind."""
    if values.null_count == len(values):
        return None
    if pa.types.is_string(values.type):
        return packed_words(values.to_pylist())
    if pa.types.is_int64(values.type):  # seeds: JavaScript's numbers do not hold them
        return packed_words([None if value is None else str(value) for value in values.to_pylist()])
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return packed_numbers(np.array([math.nan if value is None else value for value in values.to_pylist()]))
    return None


def packed_numbers(values: Shaped[np.ndarray, "rows"]) -> Packed:
    """Numbers, NaN for none, exact: as 8, 16 or 32 bit integers where all are whole, as float32 otherwise."""
    known = values[~np.isnan(values)]
    if (known == np.rint(known)).all():
        low, high = known.min(initial=0), known.max(initial=0)
        for kind, least, largest, missing in _WHOLE:
            if least <= low and high <= largest:
                return _numbers(kind, np.where(np.isnan(values), missing, values), missing)
    return _numbers("f4", values, None)


def packed_words(values: Sequence[str | None], order: Sequence[str] = ()) -> Packed:
    """Strings: each once, with a code for each row, or all of them where most differ.

    Args:
        values: None for none.
        order: comes first among the words, so that groups stand in their own order; the rest is sorted.
    """
    found = {value for value in values if value is not None}
    if 2 * len(found) > len(values) and not found <= set(order):
        return {"kind": "texts", "texts": list(values)}
    words = [*(word for word in order if word in found), *sorted(found - set(order))]
    code_of = {word: code for code, word in enumerate(words)}
    codes = np.array([math.nan if value is None else code_of[value] for value in values])
    return {"kind": "words", "words": words, "codes": packed_numbers(codes)}


def _numbers(kind: str, values: Shaped[np.ndarray, "rows"], missing: int | None) -> Packed:
    data = base64.b64encode(values.astype(f"<{kind}").tobytes()).decode()
    return {"kind": "numbers", "type": kind, "missing": missing, "data": data}
