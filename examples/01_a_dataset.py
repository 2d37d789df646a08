"""A small dataset: made, checked, opened, and fed to a PyTorch loader as pairs of neutral and pain.

Usage: python examples/01_a_dataset.py [FOLDER]
"""

import sys

import torch

import pain3d


def pairs(samples):
    """A batch: pictures, the same people at rest, and the scores."""
    pictures = torch.stack([torch.from_numpy(sample.image) for sample in samples])
    at_rest = torch.stack([torch.from_numpy(sample.neutral.image) for sample in samples])
    return pictures, at_rest, torch.tensor([sample.pspi for sample in samples])


def main(folder: str) -> None:
    """Make it, or go on where an earlier run stopped."""
    made = pain3d.generate(folder, pain3d.PlanConfig(subjects=10, expressions=3, views=1, resolution=128))
    print(made.text())

    report = pain3d.audit(folder)
    print(f"audit: {report.verdict}, {report.frames} frames")

    train = pain3d.open_dataset(folder, split="train")
    print(f"{len(train)} training frames of {', '.join(train.subjects)}")

    loader = torch.utils.data.DataLoader(train, batch_size=8, collate_fn=pairs)
    pictures, at_rest, scores = next(iter(loader))
    print(f"a batch: pictures {tuple(pictures.shape)}, neutral ones {tuple(at_rest.shape)}, PSPI {scores.tolist()}")


if __name__ == "__main__":  # worker processes read this file, too
    main(sys.argv[1] if len(sys.argv) > 1 else "a-dataset")
