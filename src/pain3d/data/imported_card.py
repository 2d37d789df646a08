"""README.md of an imported dataset: where it is from, what became of it on the way, how it is spread."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping

import pyarrow as pa

from pain3d.data.manifest import Manifest, Source, SourceKind
from pain3d.data.markdown import size_category, table
from pain3d.data.schema import COLUMN_DESCRIPTIONS, SHARD_SPLITS
from pain3d.facs import MAX_PSPI

SOURCE_NAMES: Mapping[SourceKind, str] = {
    "unbc": "UNBC-McMaster Shoulder Pain Expression Archive",
    "3dpain": "3DPain, as released by its authors",
    "folder": "a folder of pictures with a table of labels",
}


_HUB_SPLITS: Mapping[str, str] = {**{split: split for split in SHARD_SPLITS}, "all": "everything"}
"""The `datasets` library keeps the name all for the union of all splits: load_dataset(..., split="all") works so."""


def imported_title(manifest: Manifest, source: Source) -> str:
    """Name of the dataset: its source and its size."""
    return f"pain3d import of {source.kind}, {manifest.frames} frames"


def imported_card(manifest: Manifest, source: Source, labels: pa.Table) -> str:
    """The card's text.

    Args:
        manifest: of the finished dataset.
        source: where it is from.
        labels: subject_id, split and PSPI of all its frames.
    """
    parts = (_front_matter(manifest, source), _introduction(manifest, source), _spread(labels), _columns(manifest))
    return "\n".join([*itertools.chain.from_iterable(parts), *_LIMITS])


def _front_matter(manifest: Manifest, source: Source) -> Iterator[str]:
    yield from ("---", f"pretty_name: {imported_title(manifest, source)}", "license: other")
    yield "license_name: that-of-the-source"
    yield from ("task_categories:", "- image-classification")
    yield from ("tags:", "- pain", "- facial-action-units", "- pspi", "- faces")
    yield from ("size_categories:", f"- {size_category(manifest.frames)}")
    yield from ("configs:", "- config_name: default", "  data_files:")
    for split in SHARD_SPLITS:
        if manifest.rows_of(split):
            yield from (f"  - split: {_HUB_SPLITS[split]}", f"    path: data/{split}-*.parquet")
    yield "---"


def _introduction(manifest: Manifest, source: Source) -> Iterator[str]:
    yield f"""
# {imported_title(manifest, source)}

{SOURCE_NAMES[source.kind]}, read from its {source.form} by pain3d {manifest.pain3d_version}. The licence and the
conditions of the source apply to this copy: do not pass it on where they forbid it.

```python
import pain3d
for sample in pain3d.open_dataset("."):
    sample.image, sample.expression, sample.pspi, sample.row["source_file"]
```

## What was read
"""
    yield from table(("what", "count"), [(name.replace("_", " "), count) for name, count in source.counts.items()])
    if source.lists:
        yield f"\nEach is named, with file and line, in {', '.join(f'`{name}`' for name in source.lists)}."


def _spread(labels: pa.Table) -> Iterator[str]:
    subjects, splits, scores = (labels.column(name).to_pylist() for name in ("subject_id", "split", "PSPI"))
    frames, people = Counter(splits), Counter(split for split, _ in set(zip(splits, subjects, strict=True)))
    yield "\n## Spread\n\nSubjects and frames by split.\n"
    used = [split for split in SHARD_SPLITS if frames[split]]
    yield from table(("split", "subjects", "frames"), [(split, people[split], frames[split]) for split in used])
    yield "\nFrames by PSPI, rounded:\n"
    levels = Counter(round(score) for score in scores)
    yield from table(range(int(MAX_PSPI) + 1), [[levels[level] for level in range(int(MAX_PSPI) + 1)]])


def _columns(manifest: Manifest) -> Iterator[str]:
    yield "\n## Columns\n\nWhat the source does not tell is null.\n"
    yield from table(("column", "meaning"), [(part.name, COLUMN_DESCRIPTIONS[part.name]) for part in manifest.schema])


_LIMITS = (
    """
## Use and limits

- PSPI is a score of the facial expression that an observer codes. It is not the pain that a person feels.
- Frames of one person are alike: divide by subjects, never by frames.
- Nothing trained on it is a medical device.""",
    "",
)
