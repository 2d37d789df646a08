"""Kill nodes of a Ray cluster while a dataset is being made, and compare every byte to an undisturbed local run.

Usage: python benchmarks/ray_nodes.py [--frames 5000] [--resolution 96] [--cpus 1] [--kill-seed 0] [--local FOLDER]

Simulates on this machine a head that runs nothing and three nodes of some CPUs, makes a dataset of 50 frames a subject,
two subjects a file, and kills two of the nodes (kill -9 of every process) after numbers of finished files that are
drawn from the seed. Then audits the dataset and compares the SHA-256 of all its files to those of a local run, made
first or found in --local. Prints Markdown; exit status 1 when a byte differs, the audit finds something, or a temporary
file is left.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import tempfile
import time
from pathlib import Path

from pain3d.data.audit import audit
from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig, plan_shards

sys.path.append(str(Path(__file__).parents[1] / "tests" / "synth"))
import ray_cluster

FRAMES_PER_SUBJECT = 50
NODES = 3


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def disturbed_run(out: Path, config: PlanConfig, cpus: int, chance: random.Random) -> list[str]:
    """Make the dataset on a cluster that loses all nodes but one; tells what happened, and when."""
    files = len(plan_shards(config))
    moments = sorted(chance.sample(range(files // 10, 9 * files // 10), NODES - 1))
    told = []
    with ray_cluster.cluster_of(*[{"num_cpus": cpus}] * NODES) as cluster:
        nodes = sorted(cluster.worker_nodes, key=lambda node: node.node_id)
        chance.shuffle(nodes)
        begun = time.monotonic()
        finished = 0

        def tell(words: str) -> None:
            told.append(f"{time.monotonic() - begun:.0f} s: {words}")
            print(told[-1], file=sys.stderr, flush=True)

        def harm(done: int, of: int) -> None:
            nonlocal finished
            finished += 1
            if moments and finished >= moments[0]:
                moments.pop(0)
                ray_cluster.kill_node(cluster, nodes.pop())
                tell(f"a node was killed, {done:,} of {of:,} frames made")

        made = generate(out, config, engine="ray", address=cluster.address, on_progress=harm, on_phase=tell)
        tell(made.text().removeprefix(f"{out}: "))
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=5000)
    parser.add_argument("--resolution", type=int, default=96)
    parser.add_argument("--cpus", type=int, default=1, help="of each node")
    parser.add_argument("--kill-seed", type=int, default=0)
    parser.add_argument("--local", type=Path, default=None, help="finish or reuse the local run in this folder")
    options = parser.parse_args()
    config = PlanConfig(
        **vars(PLAIN),
        subjects=options.frames // FRAMES_PER_SUBJECT,
        expressions=FRAMES_PER_SUBJECT // 2 - 1,
        views=2,
        resolution=options.resolution,
        subjects_per_shard=2,
    )
    with tempfile.TemporaryDirectory() as temporary:
        local, out = options.local or Path(temporary) / "local", Path(temporary) / "ray"
        calm = generate(local, config)
        print(f"local: {calm.text()}", file=sys.stderr, flush=True)
        told = disturbed_run(out, config, options.cpus, random.Random(options.kill_seed))
        theirs, ours = hashes(local), hashes(out)
        report = audit(out)
        left = [path.name for path in out.rglob("*") if path.name.endswith((".tmp", ".part"))]
    print("\n".join(f"- {words}" for words in told))
    same = sum(theirs[name] == ours[name] for name in theirs.keys() & ours.keys())
    print(f"\n{same} of {len(theirs)} files with equal SHA-256, {len(ours)} files on Ray; audit: {report.verdict}")
    print(f"temporary files left: {len(left)}")
    return 0 if theirs == ours and report.ok and not left else 1


if __name__ == "__main__":
    sys.exit(main())
