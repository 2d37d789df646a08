"""A Ray cluster of several nodes on this machine, and ways to harm it."""

import contextlib
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
    # Agents as of a Ray without its dashboard: each takes seconds to start, and nobody asks them here.
    with mock.patch("ray._private.utils.get_dashboard_dependency_error", return_value=ImportError("not here")):
        for node in [{"num_cpus": head_cpus, "include_dashboard": False}, *nodes]:
            add_patiently(cluster, **node)
    try:
        yield cluster
    finally:
        cluster.shutdown()


_PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")


def add_patiently(cluster, **node):
    """Ray gives a node 30 s to start, which a machine with much else to do may miss; less is to do where the ports of
    its agents are given, so that nobody waits to be told."""
    for left in (2, 1, 0):
        with contextlib.ExitStack() as held:
            free = [held.enter_context(socket.create_server(("", 0))).getsockname()[1] for _ in _PORTS]
        try:
            return cluster.add_node(**node, **dict(zip(_PORTS, free, strict=True)))
        except Exception:
            if not left:
                raise


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
