"""Shards that are sound Parquet and no sound shards: columns missing, swapped, of other types, without values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from law import Target, hold
from readers import TARGETS

from pain3d.data.schema import MAX_ROW_GROUP_ROWS

READERS = ("shard, opened", "shard, audited", "shard, trained on")
Change = Callable[[pa.Table], pa.Table]


def put(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    one, other = draw(st.integers(0, 99)), draw(st.integers(0, 99))
    kind = draw(
        st.sampled_from(["drop", "rename", "null", "text", "number", "empty", "swap", "bytes", "twice", "lists"])
    )
    content = draw(st.binary(max_size=12))
    number = draw(st.sampled_from([-1.0, float("nan"), float("inf"), 1e30, 7.0]))

    def change(table: pa.Table) -> pa.Table:
        names = table.column_names
        name, second, rows = names[one % len(names)], names[other % len(names)], len(table)
        match kind:
            case "drop":
                return table.drop_columns([name])
            case "rename":
                return table.rename_columns([f"{n}_" if n == name else n for n in names])
            case "null":
                return put(table, name, pa.nulls(rows, table.schema.field(name).type))
            case "text":
                return put(table, name, pa.array(["x"] * rows))
            case "number":
                kept = table.schema.field(name).type
                return put(table, name, pa.array([number] * rows, kept if pa.types.is_floating(kept) else pa.float64()))
            case "empty":
                return table.slice(0, 0)
            case "swap":
                return table.rename_columns([{name: second, second: name}.get(n, n) for n in names])
            case "bytes" if pa.types.is_struct(table.schema.field(name).type):
                fields = table.schema.field(name).type
                if "bytes" in [part.name for part in fields]:
                    return put(table, name, pa.array([{"bytes": content, "path": None}] * rows, fields))
            case "lists":
                return put(table, name, pa.array([[1.0, 2.0]] * rows))
        return pa.concat_tables([table, table])

    return change


@pytest.mark.parametrize("name", READERS)
def test_tables_of_another_kind_are_refused_in_one_line_or_read(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("tables") / "home"
    home.mkdir()
    target: Target = TARGETS[name]
    path = target.prepare(home)
    sound = pq.read_table(path)

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck])
    @given(drawn=st.lists(changes(), min_size=1, max_size=2))
    def every(drawn: list[Change]) -> None:
        table = sound
        for change in drawn:
            table = change(table)
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, row_group_size=MAX_ROW_GROUP_ROWS)
        hold(target, home, path, sink.getvalue().to_pybytes())

    every()


def test_the_manifest_is_brought_up_to_date_before_each_reading(tmp_path: Path) -> None:
    """Else hashes alone would refuse, and nothing behind them would be reached."""
    target = TARGETS["shard, opened"]
    path = target.prepare(tmp_path)
    table = pq.read_table(path)
    pq.write_table(table, path, compression="gzip")
    target.read(tmp_path)
