#!/usr/bin/env bash
# One dataset from many nodes: each task of the array makes its part of the files, in a folder that all of them see.
#
#     sbatch examples/slurm_array.sh /shared/faces --preset 3dpain
#     pain3d finish /shared/faces          # when all tasks are done; it names what is missing
#
# A task that was killed goes on where it was when it is submitted again. All nodes must be of one kind: the dataset
# refuses a part from another device, instruction set or version of a library.
#SBATCH --array=1-16
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=2G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail

out=$1
shift
# Compiled kernels and head model: on the node, private to the task.
export PAIN3D_CACHE="${TMPDIR:-/tmp}/pain3d-cache" WARP_CACHE_PATH="${TMPDIR:-/tmp}/pain3d-kernels"
pain3d generate "$out" "$@" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --workers "$SLURM_CPUS_PER_TASK"
