"""Arrow without pandas, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import sys
from pain3d.data.arrow import leave_pandas_out
leave_pandas_out()
import pyarrow as pa
table = pa.Table.from_arrays([pa.array([1, 2], type=pa.int8())], names=["a"])
assert "pandas" not in sys.modules
assert not any("NoPandas" in type(finder).__name__ for finder in sys.meta_path)
try:
    import pandas
except ModuleNotFoundError:
    sys.exit()
assert table.to_pandas()["a"].tolist() == [1, 2]
"""


def test_arrow_leaves_pandas_out_until_it_is_asked_for():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
