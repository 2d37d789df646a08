"""A Ray cluster of several nodes on this machine, and ways to harm it."""

import contextlib
import inspect
import os
import signal
import socket
from pathlib import Path
from unittest import mock

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@contextlib.contextmanager
def cluster_of(*nodes, head_cpus=0):
    """A head that runs so many tasks at a time, and a node for each mapping of `nodes`, which says what it has."""
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    try:
        for node in [{"num_cpus": head_cpus, "include_dashboard": False}, *nodes]:
            add_node(cluster, **node)
        yield cluster
    finally:
        cluster.shutdown()


_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")


def add_node(cluster, **node):
    """Add a node to a cluster, on a machine that has much else to do.

    A raylet gives its agents 15 s to write down their ports, and ends itself when they are late. Here the ports are
    chosen and written down before it looks; nobody asks these agents anything.
    """
    from ray._private import services

    real = services.start_raylet

    def start(*given, **named):
        bound = inspect.signature(real).bind(*given, **named).arguments
        for port in _PORTS:
            (Path(bound["session_dir"]) / f"{port}_{bound['node_id']}").write_text(str(bound[port]))
        return real(*given, **named)

    with contextlib.ExitStack() as held:
        free = [held.enter_context(socket.create_server(("", 0))).getsockname()[1] for _ in _PORTS]
    # Workers find handlers in this folder.
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    with (
        mock.patch.dict(os.environ, {"PYTHONPATH": paths}),
        mock.patch.object(services, "start_raylet", start),
        mock.patch("ray._private.utils.get_dashboard_dependency_error", return_value=ImportError("agents do less")),
    ):
        return cluster.add_node(**node, **dict(zip(_PORTS, free, strict=True)))


def workers_of(node):
    """Process ids of a node's workers and agents, and what they call themselves: ``ray::`` and the name of a task."""
    raylet = node.all_processes["raylet"][0].process.pid
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text().rsplit(") ", 1)[1].split()[1] == str(raylet):
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")[0].decode()
                if words.startswith("ray::"):
                    found[int(stat.parent.name)] = words
    return found


def kill_worker(node, chance):
    """Kill -9 a worker that is making a shard, if there is one; returns which."""
    busy = sorted((pid, words) for pid, words in workers_of(node).items() if words.startswith("ray::data/"))
    if not busy:
        return None
    pid, words = chance.choice(busy)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return words.removeprefix("ray::")


def kill_node(cluster, node):
    """All processes of a node, at once."""
    workers = workers_of(node)
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.remove_node(node, allow_graceful=False)
