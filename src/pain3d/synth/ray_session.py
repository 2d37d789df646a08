"""A session with a Ray cluster: joined or started, quiet, and left as it was found."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pain3d.data.findings import counted
from pain3d.errors import ArgumentError
from pain3d.synth.workers import usable_cores

_REACH_S = 10.0
"""How long a host may take to answer."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS_SKIP_REGEX": "^",  # every line that nodes tell of themselves: we say which shards they cost
}
"""Read by Ray when it is imported; what the user has set stays."""
_STORE_BYTES = 100_000_000
"""Object store of a cluster that is started here: tasks and records are small; Ray wants 75 MB at least."""


@dataclass(frozen=True, kw_only=True)
class RaySession:
    """A cluster, and what one task asks of it."""

    ray: Any
    """The package, which is imported only when somebody asks for it."""
    gpu: bool
    """Each task gets a GPU of its own."""
    limit: int | None
    """The most tasks that run at the same time; None: as many as there are slots."""
    on_phase: Callable[[str], None]
    """Told what happens."""

    @property
    def demands(self) -> dict[str, int]:
        """What Ray sets aside for one task."""
        return {"num_cpus": 1, "num_gpus": 1 if self.gpu else 0}

    def slots(self) -> int:
        """Tasks that the cluster, as it is now, can run at the same time."""
        there = self.ray.cluster_resources()
        found = [int(there[name]) if name in there else 0 for name in ("CPU", *(("GPU",) if self.gpu else ()))]
        return min(found)


@contextlib.contextmanager
def ray_session(
    address: str, *, limit: int | None, device: str, on_phase: Callable[[str], None]
) -> Iterator[RaySession]:
    """Join a cluster, or start one on this machine that ends with the session.

    Args:
        address: ``auto``: the cluster that runs here, or that the variable RAY_ADDRESS names; ``local``: start one of
            this machine's cores; else ``HOST:PORT`` of a cluster's head.
        limit: the most tasks at the same time.
        device: ``cpu``, or ``cuda``: a GPU for each task.
        on_phase: told what begins.

    Raises:
        ArgumentError: if Ray is not installed, the address is none, nothing answers there, or the device is not there.
    """
    if device not in ("cpu", "cuda"):
        raise ArgumentError(
            f"device: {device!r} is not for Ray, which gives each task a GPU of its own; write cpu or cuda"
        )
    ray = _imported()
    _check(address)
    on_phase("joining Ray" if address != "local" else "starting Ray on this machine")
    with _joined(ray, address, limit) as url:
        session = RaySession(ray=ray, gpu=device == "cuda", limit=limit, on_phase=on_phase)
        if session.gpu and not session.slots():
            raise ArgumentError(
                "device: cuda, but no node of the Ray cluster has a GPU; start nodes with GPUs "
                "(ray start --num-gpus), or write cpu"
            )
        nodes = sum(node["Alive"] for node in ray.nodes())
        board = f"; dashboard at http://{url}" if url else ""
        on_phase(f"Ray: {counted(nodes, 'node')}, {counted(session.slots(), 'slot')}{board}")
        yield session


def _imported() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise ArgumentError(
            "engine: ray is not installed; run pip install 'pain3d[cluster]' on every node, or use the local engine"
        ) from None
    return ray


def _check(address: str) -> None:
    """Refuse what cannot be an address, and hosts that do not answer: Ray would wait for them for a minute."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or "/" in host or not port.isdigit():
        raise ArgumentError(
            f"address: {address!r} is none; write auto, local, or HOST:PORT of the head, as in 10.0.0.1:6379"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S):
            return
    except (OSError, OverflowError) as error:
        raise ArgumentError(
            f"address: {address} does not answer ({error}); start a head there with ray start --head, or write local"
        ) from None


@contextlib.contextmanager
def _joined(ray: Any, address: str, limit: int | None) -> Iterator[str]:
    """In the cluster; gives host and port of the dashboard, or nothing."""
    if ray.is_initialized():  # the caller's own session, which stays open
        ours = ray.get_runtime_context().gcs_address
        if address not in ("auto", ours):
            raise ArgumentError(
                f"address: {address}, but this process is in the Ray cluster at {ours}; leave address out, or call "
                f"ray.shutdown() first"
            )
        yield ""
        return
    here = {"num_cpus": limit or usable_cores(), "object_store_memory": _STORE_BYTES} if address == "local" else {}
    try:
        with _signals_kept():
            context = ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **here)
    except Exception as error:  # Ray says by a bare Exception that a node started too slowly
        raise ArgumentError(
            f"address: {address}: no Ray cluster can be joined or started there ({str(error).splitlines()[0]}); start "
            f"one with ray start --head, or use the local engine"
        ) from error
    try:
        yield context.dashboard_url
    finally:
        ray.shutdown()


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray puts a handler of its own in the place of ours, which removes half-written files."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
