"""Arrow in the processes that are ours alone: the command and its workers."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

import pyarrow as pa


class _NoPandas(MetaPathFinder):
    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


def leave_pandas_out() -> None:
    """Keep Arrow from importing pandas, which takes 0.3 s, where it converts its first list to a given type.

    Arrow looks once whether there is pandas, to know its series when it meets one: nobody hands one to our processes.
    Code that imports pandas or calls ``to_pandas`` afterwards gets it as ever.
    """
    nobody = _NoPandas()
    sys.meta_path.insert(0, nobody)
    try:
        pa.array([], type=pa.int8())
    finally:
        sys.meta_path.remove(nobody)
