"""Compiled kernels go where they can be written."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, warp
from pain3d.render.device import checked_device
checked_device("cpu")
assert os.access(warp.config.kernel_cache_dir, os.W_OK)
print(os.environ["WARP_CACHE_PATH"], warp.config.kernel_cache_dir)
"""


def test_a_kernel_folder_that_cannot_be_written_is_replaced_for_the_run(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    answer = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"WARP_CACHE_PATH": str(blocked / "warp")},
        capture_output=True,
        text=True,
        check=True,
    )
    for_workers, folder = map(Path, answer.stdout.split())
    assert folder.parent == for_workers  # what Warp makes of the variable in a worker
    assert not for_workers.exists()  # removed at the end
    assert "cannot be written: the kernels are compiled anew for this run; set WARP_CACHE_PATH" in answer.stderr
