"""Where kernels run, and making them ready."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import warp as wp

from pain3d.render import hair_kernels, kernels, shading, worn_kernels, wrinkle_kernels


def checked_device(name: str) -> str:
    """The device itself.

    Raises:
        ValueError: if this machine has no such device.
    """
    _initialise()
    known = [device.alias for device in wp.get_devices()]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in known:
        raise ValueError(f"device: {name!r} is not on this machine; it has {', '.join(known)}")
    return wanted


def environment(device: str) -> dict[str, str]:
    """What the bytes of a picture depend on besides the code: for the manifest of a dataset."""
    found = wp.get_device(checked_device(device))
    kind = "cpu" if found.is_cpu else "cuda"
    return {"device": kind, "device_name": found.name, "warp": wp.config.version}


def prepare(device: str = "cpu", *, worn: bool = False) -> None:
    """Compile the kernels, or load them from Warp's cache: call once before worker processes start.

    Args:
        device: as `checked_device` takes it.
        worn: those of glasses and cannula, too.
    """
    name = checked_device(device)
    compiling = _compile_shading_beside(name)
    for module in (kernels, hair_kernels, wrinkle_kernels):
        wp.load_module(module, device=name)
    if compiling is not None:
        compiling.wait()  # if it failed, the next line compiles, and says why it cannot
    wp.load_module(shading, device=name)
    if worn:
        wp.load_module(worn_kernels, device=name)


def _compile_shading_beside(device: str) -> subprocess.Popen[bytes] | None:
    """Start to compile shading in another process, if it seems that this machine never did.

    It takes as long as all other kernels of the renderer, and Warp compiles on one core.
    """
    if (os.cpu_count() or 1) < 2 or any(_kernel_folder().glob(f"wp_{shading.__name__}_*")):
        return None
    code = f"from pain3d.render import device; device.load_shading({device!r})"
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", code], stdin=quiet, stdout=quiet, stderr=quiet)


def load_shading(device: str) -> None:
    """What the process beside does."""
    wp.load_module(shading, device=checked_device(device))


_NO_GPU = b"Could not find or load the NVIDIA CUDA driver"


@cache
def _initialise() -> None:
    """wp.init(), with compiled kernels kept in a temporary folder where Warp's own cannot be written."""
    try:
        _init_quietly()
        if _usable(_kernel_folder()):
            return
    except OSError:  # Warp sets the path before it makes the folder
        pass
    refused = _kernel_folder()
    own = tempfile.mkdtemp(prefix="pain3d-kernels-")
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    os.environ["WARP_CACHE_PATH"] = wp.config.kernel_cache_dir = own  # the variable is for worker processes
    _init_quietly()
    folder = Path(own) / wp.config.version  # where Warp puts kernels when it is given a folder
    folder.mkdir(exist_ok=True)
    wp.config.kernel_cache_dir = str(folder)
    print(
        f"pain3d: {refused} cannot be written: the kernels are compiled anew for this run; "
        f"set WARP_CACHE_PATH to a folder that can, and they are compiled once",
        file=sys.stderr,
    )


def _kernel_folder() -> Path:
    return Path(str(wp.config.kernel_cache_dir))


def _usable(folder: Path) -> bool:
    """Whether kernels can be put there; a read-only folder that holds some was filled on purpose."""
    return os.access(folder, os.W_OK) or any(folder.iterdir())


def _init_quietly() -> None:
    """wp.init() without the line that its native code writes to standard error where there is no NVIDIA driver.

    `checked_device` says so where it matters: when a GPU is asked for. All other lines are passed on.
    """
    with tempfile.TemporaryFile() as written:
        kept = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            wp.init()
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        written.seek(0)
        for line in written:
            if _NO_GPU not in line:
                os.write(2, line)
