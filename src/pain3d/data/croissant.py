"""croissant.json: the dataset described in the vocabulary of ML Commons Croissant, for catalogues and loaders.

Written by hand, so that making a dataset needs no further package; the tests hold it against `mlcroissant`. It names no
date: the same plan gives the same bytes.
"""

from __future__ import annotations

import json

import pyarrow as pa

from pain3d.data.card import DATASET_LICENSE_URL, title
from pain3d.data.files import write_atomically
from pain3d.data.imported_card import SOURCE_NAMES
from pain3d.data.manifest import Manifest
from pain3d.data.schema import COLUMN_DESCRIPTIONS
from pain3d.places import Place

CROISSANT = "croissant.json"

_SHARDS = "shards"
_FRAMES = "frames"
_TYPES = {
    "string": "sc:Text",
    "float": "sc:Float",
    "int8": "sc:Integer",
    "int16": "sc:Integer",
    "int32": "sc:Integer",
    "int64": "sc:Integer",
}
"""Croissant's names for Arrow's types."""

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write_croissant(out: Place, manifest: Manifest) -> None:
    """Write OUT/croissant.json."""
    content = json.dumps(croissant(manifest), indent=2, ensure_ascii=False) + "\n"
    write_atomically(out / CROISSANT, content.encode())


def croissant(manifest: Manifest) -> dict[str, object]:
    """The metadata as JSON-LD, Croissant 1.0."""
    about = _about(manifest)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": title(manifest).replace(" ", "-"),
        "description": about["description"],
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "citeAs": about["citeAs"],
        "license": about["license"],
        "url": ".",
        "version": f"{manifest.schema_version}.0.0",
        "keywords": about["keywords"],
        "distribution": [
            *(
                {
                    "@type": "cr:FileObject",
                    "@id": shard.file,
                    "name": shard.file,
                    "contentUrl": shard.file,
                    "contentSize": f"{shard.bytes} B",
                    "encodingFormat": "application/x-parquet",
                    "sha256": shard.sha256,
                }
                for shard in manifest.shards
            ),
            {
                "@type": "cr:FileSet",
                "@id": _SHARDS,
                "name": _SHARDS,
                "description": "All shards; the column split tells train, val and test apart.",
                "encodingFormat": "application/x-parquet",
                "includes": "data/*.parquet",
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": _FRAMES,
                "name": _FRAMES,
                "description": "One picture with all that is known about it.",
                "key": {"@id": f"{_FRAMES}/frame_id"},
                "field": [field for part in manifest.schema for field in _fields(part)],
            }
        ],
    }


def _about(manifest: Manifest) -> dict[str, object]:
    if manifest.source is not None:
        name = SOURCE_NAMES[manifest.source.kind]
        return {
            "description": (
                f"{manifest.frames:,} pictures of faces with Action Units and PSPI: {name}, imported by pain3d "
                f"{manifest.pain3d_version}. The licence of the source applies. Not clinical evidence."
            ),
            "citeAs": f"{name}; imported by pain3d {manifest.pain3d_version}",
            "license": "that of the source",
            "keywords": ["pain", "FACS", "PSPI", "faces"],
        }
    return {
        "description": (
            f"{manifest.frames:,} rendered pictures of synthetic faces at rest and with facial expressions of pain, "
            f"with Action Units, PSPI, displacement heatmaps, segmentation, landmarks and camera, made by pain3d "
            f"{manifest.pain3d_version} from seed {manifest.seed}. No real person is shown. Not clinical evidence."
        ),
        "citeAs": f"pain3d {manifest.pain3d_version}, seed {manifest.seed}; after 3DPain, arXiv:2509.16727",
        "license": DATASET_LICENSE_URL,
        "keywords": ["pain", "FACS", "PSPI", "synthetic faces"],
    }


def _fields(part: pa.Field) -> list[dict[str, object]]:
    """The fields of one column: one for each of the pictures in au_heatmaps, one for any other."""
    kind, text = part.type, COLUMN_DESCRIPTIONS[part.name]
    if pa.types.is_fixed_size_list(kind):
        return [_field(part.name, text, part.name, _TYPES[str(kind.value_type)]) | {"repeated": True}]
    if not pa.types.is_struct(kind):
        return [_field(part.name, text, part.name, _TYPES[str(kind)])]
    if "bytes" in {member.name for member in kind}:
        return [_field(part.name, text, part.name, "sc:ImageObject", "bytes")]
    return [
        _field(
            f"{part.name}_{member.name}", f"{text}: {member.name}", part.name, "sc:ImageObject", f"{member.name}.bytes"
        )
        for member in kind
    ]


def _field(name: str, text: str, column: str, data_type: str, json_path: str = "") -> dict[str, object]:
    source: dict[str, object] = {"fileSet": {"@id": _SHARDS}, "extract": {"column": column}}
    if json_path:
        source["transform"] = {"jsonPath": json_path}
    return {
        "@type": "cr:Field",
        "@id": f"{_FRAMES}/{name}",
        "name": name,
        "description": text,
        "dataType": data_type,
        "source": source,
    }
