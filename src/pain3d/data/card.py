"""README.md of a dataset: what it is, how to load it, how it is balanced, what it is not for.

The front matter tells the Hugging Face Hub and `datasets.load_dataset` where each split lies.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import parquet_source, write_atomically
from pain3d.data.imported_card import imported_card, imported_title
from pain3d.data.manifest import Design, Manifest
from pain3d.data.markdown import size_category, table
from pain3d.data.schema import COLUMN_DESCRIPTIONS
from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES, SPLITS
from pain3d.facs import MAX_PSPI
from pain3d.places import Place

CARD = "README.md"

DATASET_LICENSE = "cc0-1.0"
"""The head assets are CC0, and so is what is drawn with them; pictures of the user's own keep their licence."""
DATASET_LICENSE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"

_COUNTED = ["subject_id", "split", "age_band", "sex", "ethnicity", "PSPI"]


def write_card(out: Place, manifest: Manifest) -> None:
    """Write OUT/README.md from the manifest and the labels in the shards."""
    tables = [_counted(out / shard.file) for shard in manifest.shards]
    write_atomically(out / CARD, card(manifest, pa.concat_tables(tables)).encode())


def _counted(shard: Place) -> pa.Table:
    # Not `read_table`: it imports Arrow's datasets and pandas, for 0.4 s.
    with parquet_source(shard) as source, pq.ParquetFile(source, pre_buffer=True) as file:
        return file.read(columns=_COUNTED)


def title(manifest: Manifest) -> str:
    """Name of the dataset: its size, and its seed or source."""
    if manifest.source is not None:
        return imported_title(manifest, manifest.source)
    return f"pain3d {manifest.frames} frames seed {manifest.seed}"


def card(manifest: Manifest, labels: pa.Table) -> str:
    """The card's text.

    Args:
        manifest: of the finished dataset.
        labels: the label columns of all its frames.
    """
    if manifest.source is not None:
        return imported_card(manifest, manifest.source, labels)
    parts = (_front_matter(manifest), _introduction(manifest), _balance(labels), _columns(manifest), _LIMITS)
    return "\n".join(itertools.chain.from_iterable(parts))


def _front_matter(manifest: Manifest) -> Iterator[str]:
    yield from ("---", f"pretty_name: {title(manifest)}", f"license: {DATASET_LICENSE}")
    yield from ("task_categories:", "- image-classification", "- image-segmentation")
    yield from ("tags:", "- pain", "- facial-action-units", "- pspi", "- synthetic", "- faces")
    yield from ("size_categories:", f"- {size_category(manifest.frames)}")
    yield from ("configs:", "- config_name: default", "  data_files:")
    for split in SPLITS:
        if manifest.rows_of(split):
            yield from (f"  - split: {split}", f"    path: data/{split}-*.parquet")
    yield "---"


def _introduction(manifest: Manifest) -> Iterator[str]:
    design = manifest.made
    kinds = f"1 neutral + {design.expressions} pain + {design.distractors} distractor + {design.confounds} confound"
    made = f"{len(design.only)} of {design.subjects:,}" if design.only else f"{design.subjects:,}"
    yield f"""
# {title(manifest)}

Rendered faces of synthetic people, at rest and with facial expressions of pain. Every label comes from the geometry
that the picture was drawn from. Nobody in it exists.

- {made} subjects x ({kinds} expressions) x {design.views} views{_clips(design)} = {manifest.frames:,} frames
  of {design.resolution} x {design.resolution} pixels
- made by pain3d {manifest.pain3d_version} from seed {manifest.seed}; `manifest.json` holds the configuration, the
  versions and the SHA-256 of every shard: the same plan gives the same bytes on the same kind of machine

```python
from datasets import load_dataset
frames = load_dataset("parquet", data_files="data/{next(s for s in SPLITS if manifest.rows_of(s))}-*.parquet")

import pain3d
for sample in pain3d.open_dataset("."):
    sample.image, sample.heatmap, sample.pspi, sample.neutral.image
```"""


def _clips(design: Design) -> str:
    """Of a dataset of clips, how long each is."""
    if design.clips is None:
        return ""
    frames, seconds = design.clips.frames, design.clips.seconds
    return f", each a clip ({design.clips.sequence}) of {seconds:g} s, x {frames} frames"


def _balance(labels: pa.Table) -> Iterator[str]:
    columns = {name: labels.column(name).to_pylist() for name in _COUNTED}
    first = {subject: i for i, subject in reversed(list(enumerate(columns["subject_id"])))}
    people = {name: Counter(columns[name][i] for i in first.values()) for name in _COUNTED}
    frames = Counter(columns["split"])
    yield "\n## Balance\n\nSubjects and frames by split; a subject is in one split only.\n"
    yield from table(("split", "subjects", "frames"), [(s, people["split"][s], frames[s]) for s in SPLITS])
    for name, values in (("age_band", AGE_BANDS), ("sex", SEXES), ("ethnicity", ETHNICITIES)):
        yield f"\nSubjects by {name.replace('_', ' ')}:\n"
        yield from table(values, [[people[name][value] for value in values]])
    yield "\nFrames by PSPI, rounded:\n"
    scores = Counter(round(score) for score in columns["PSPI"])
    levels = range(int(MAX_PSPI) + 1)
    yield from table(levels, [[scores[level] for level in levels]])


def _columns(manifest: Manifest) -> Iterator[str]:
    yield "\n## Columns\n"
    yield from table(
        ("column", "meaning"),
        [(part.name, COLUMN_DESCRIPTIONS[part.name]) for part in manifest.schema],
    )
    yield "\nClasses of `segmentation`:\n"
    yield from table(("value", "class"), [(entry.index, entry.name) for entry in manifest.palette])


_LIMITS = (
    """
## Use and limits

Meant for research on facial expression: training and testing models of Action Units and PSPI, and asking which parts of
a face a model looks at.

- PSPI is a score of the facial expression that an observer codes. It is not the pain that a person feels.
- Synthetic data is not clinical evidence, and nothing trained on it is a medical device. Validate on real, consented
  recordings before saying anything about people.
- Ethnicity stands for appearance groups of a parametric model with three anchors (african, asian, caucasian), mixed.
  The groups balance pictures; they do not describe peoples.
- Intensities 0..5 are what the model was told to do, not a certified coder's opinion.
- A rendered face differs from a photograph: expect a gap, and measure it.""",
    "",
)
