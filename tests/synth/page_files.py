"""What a dataset page holds, read back; and a page of any size made from a small one."""

from __future__ import annotations

import base64
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from pain3d.synth.browse.sheets import TILES, face_name, heat_name


def store_of(folder: Path) -> dict[str, Any]:
    """The labels of a page, whichever file they stand in."""
    beside = folder / "columns.js"
    text = (beside if beside.exists() else folder / "index.html").read_text()
    return json.loads(re.search(r"window\.pain3dData = (\{.*?\});\n", text)[1])


def sheets_of(folder: Path) -> dict[str, bytes]:
    """The sheets of thumbnails of a page, by name."""
    if (folder / "sheets").exists():
        return {path.name: path.read_bytes() for path in sorted((folder / "sheets").iterdir())}
    text = (folder / "index.html").read_text()
    encoded = json.loads(re.search(r"window\.pain3dSheets = (\{.*?\})</script>", text)[1])
    return {name: base64.b64decode(content) for name, content in encoded.items()}


def values_of(column: dict[str, Any]) -> list[Any]:
    """The values of a packed column, None where there is none."""
    if column["kind"] == "texts":
        return column["texts"]
    if column["kind"] == "words":
        return [None if code is None else column["words"][int(code)] for code in values_of(column["codes"])]
    numbers = np.frombuffer(base64.b64decode(column["data"]), f"<{column['type']}").tolist()
    return [None if value == column["missing"] or math.isnan(value) else value for value in numbers]


def enlarge(folder: Path, rows: int) -> None:
    """Repeat the frames of a page whose labels lie beside it, under other names, until there are `rows`."""
    store, sheets = store_of(folder), sheets_of(folder)
    copies, count = -(-rows // store["rows"]), store["rows"]
    columns = store["columns"]
    names = columns["subject_id"]["words"]
    subjects = _array(columns["subject_id"]["codes"]).astype(np.int64)
    neutrals = _array(columns["neutral_row"]).astype(np.int64)
    for name, column in columns.items():
        if name == "subject_id":
            column["words"] = [f"{word}x{copy}" for copy in range(copies) for word in names]
            column["codes"] = _numbers(np.concatenate([subjects + copy * len(names) for copy in range(copies)])[:rows])
        elif name == "neutral_row":
            columns[name] = _numbers(np.concatenate([neutrals + copy * count for copy in range(copies)])[:rows])
        elif column["kind"] == "texts":
            column["texts"] = [f"{text}x{copy}" for copy in range(copies) for text in column["texts"]][:rows]
        else:
            numbers = column if column["kind"] == "numbers" else column["codes"]
            numbers["data"] = base64.b64encode(np.tile(_array(numbers), copies)[:rows].tobytes()).decode()
    store["rows"] = rows
    (folder / "columns.js").write_text(f"window.pain3dData = {json.dumps(store)};\n")
    made = len(sheets) // 2
    for number in range(made, -(-rows // TILES)):
        for name_of in (face_name, heat_name):
            os.link(folder / "sheets" / name_of(number % made), folder / "sheets" / name_of(number))


def _array(numbers: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["data"]), f"<{numbers['type']}")


def _numbers(values: np.ndarray) -> dict[str, Any]:
    data = base64.b64encode(values.astype("<i4").tobytes()).decode()
    return {"kind": "numbers", "type": "i4", "missing": -(2**31), "data": data}
