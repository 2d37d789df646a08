"""What dataset cards have in common: tables, and the Hub's words for sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """The lines of a Markdown table; whole numbers with thousands separators."""
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(f'{cell:,}' if isinstance(cell, int) else str(cell) for cell in cells)} |"


def size_category(frames: int) -> str:
    """The Hugging Face Hub's name for a size, such as ``10K<n<100K``."""
    return next((name for limit, name in _SIZES if frames < limit), "1M<n<10M")
