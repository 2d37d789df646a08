import dataclasses

import datasets
import handmade
import numpy as np
import pyarrow as pa
import pytest

from pain3d.data.schema import (
    ANNOTATIONS,
    COLUMN_DESCRIPTIONS,
    SCHEMA_VERSION,
    checked_annotations,
    dataset_schema,
    frame_id,
    image_columns,
    label_columns,
    parse_frame_id,
    schema_fingerprint,
)
from pain3d.errors import ArgumentError
from pain3d.facs import AU_NAMES, PAIN_AUS

FINGERPRINTS = {
    (): "ed62eab1a04280e16ea8ff99be2ca54c797961e9b231c61083c14b5be795f158",
    ANNOTATIONS: "e97fdccaec738e77dda670250b7510341ae1e3d553b2018ab308f0c347fce8d6",
}


@pytest.mark.parametrize("annotations", FINGERPRINTS)
def test_the_format_is_pinned(annotations):
    """If this fails, the format changed: raise SCHEMA_VERSION, say so in the changelog, then put the new value here."""
    assert SCHEMA_VERSION == 1
    assert schema_fingerprint(dataset_schema(annotations)) == FINGERPRINTS[annotations]


def test_the_format_of_imported_datasets_is_pinned():
    schema = dataset_schema(imported=True)
    assert schema_fingerprint(schema) == "b16dfa121496bee4cc7daff97069c55e044b77996ebb0cdc4c32ed5ae8a4d6d6"
    assert schema.names[: len(dataset_schema().names)] == dataset_schema().names
    assert schema.names[-9:] == [
        "sequence_id",
        "frame_index",
        "source_file",
        "PSPI_file",
        *("VAS", "OPR", "SEN", "AFF"),
        "face_box",
    ]


def test_columns_are_those_of_the_contract_in_its_order():
    assert dataset_schema().names == [
        *("frame_id", "subject_id", "split", "neutral_frame_id", "expression_id", "view_id"),
        *("image", "heatmap", "heatmap_max_mm", "segmentation", "landmarks"),
        *AU_NAMES,
        *("PSPI", "age_years", "age_band", "sex", "ethnicity", "skin_tone_mst", "ita_degrees"),
        *("yaw", "pitch", "roll", "camera", "light", "background", "seed"),
    ]
    kinds = {part.name: str(part.type) for part in dataset_schema()}
    assert kinds["landmarks"] == "fixed_size_list<item: float>[136]"
    assert kinds["camera"] == "fixed_size_list<item: float>[16]"
    assert kinds["skin_tone_mst"] == "int8"
    assert kinds["seed"] == "int64"


@pytest.mark.parametrize("annotations", [(), ("depth",), ANNOTATIONS])
def test_the_datasets_library_reads_and_would_write_the_same_description(annotations):
    schema = dataset_schema(annotations)
    features = datasets.Features.from_arrow_schema(schema)
    assert features.arrow_schema.metadata[b"huggingface"] == schema.metadata[b"huggingface"]
    assert features.arrow_schema.names == schema.names
    assert isinstance(features["image"], datasets.Image)
    assert features["landmarks"].length == 136


def test_annotations_come_in_column_order_and_unknown_ones_are_refused():
    assert checked_annotations(["albedo", "depth"]) == ("depth", "albedo")
    with pytest.raises(ArgumentError, match=r"annotations: 'mood' is unknown; choose from depth, normals, au_heatmaps"):
        checked_annotations(["mood"])


def test_every_column_is_described():
    described = list(COLUMN_DESCRIPTIONS)
    for others in ({"imported": True}, {"clips": True}):
        names = dataset_schema(ANNOTATIONS, **others).names
        assert [name for name in described if name in names] == names
    assert set(described) == {*dataset_schema(ANNOTATIONS, imported=True).names, *dataset_schema(clips=True).names}
    assert set(label_columns(clips=True)) | set(image_columns()) == set(dataset_schema(clips=True).names)
    assert set(label_columns()) | set(image_columns()) == set(dataset_schema().names)
    assert image_columns(["au_heatmaps"])[3:] == tuple(f"au_heatmaps.{name}" for name in PAIN_AUS)


@pytest.mark.parametrize("numbers", [(0, 0, 0), (42, 7, 1), (99_999, 99, 2), (123_456, 10, 0)])
def test_frame_ids_read_back(numbers):
    assert parse_frame_id(frame_id(*numbers)) == (*numbers, None)
    assert parse_frame_id(frame_id(*numbers, 7)) == (*numbers, 7)


@pytest.mark.parametrize(
    "text", ["", "s42-e07-v1", "s00042-e7-v1", "s00042-e07", "x00042-e07-v1", "s00042-e07-v1.jpg", "s00042-e07-v1-f12"]
)
def test_other_texts_are_no_frame_ids(text):
    with pytest.raises(ArgumentError, match=r"frame_id: .* a frame id reads like s00042-e07-v1"):
        parse_frame_id(text)


def test_a_row_fills_exactly_the_columns():
    what = handmade.manifest(annotations=ANNOTATIONS)
    row = handmade.row(what, 3, 1, 1)
    columns = row.columns()
    assert set(columns) == set(dataset_schema(ANNOTATIONS).names)
    assert columns["neutral_frame_id"] == "s00003-e00-v1"
    assert columns["PSPI"] == row.expression.pspi
    for part in dataset_schema(ANNOTATIONS):
        assert pa.array([columns[part.name]], type=part.type).null_count == 0
    assert np.array_equal(columns["landmarks"].reshape(68, 2), row.landmarks)
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.yaw = 1.0  # pyright: ignore[reportAttributeAccessIssue]
