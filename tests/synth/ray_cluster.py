"""A Ray cluster of several nodes on this machine, and ways to harm it."""

import contextlib
import os
import signal
from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


@contextlib.contextmanager
def cluster_of(*nodes):
    """A head that runs no task, and a node for each mapping of `nodes`, which says what it has."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for node in nodes:
            cluster.add_node(**node)
        yield cluster
    finally:
        cluster.shutdown()


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
