"""The frames of a dataset as batches: cropped, augmented, with neutral references and heatmaps.

What a batch holds is a pure function of dataset, configuration, seed, epoch and frame numbers: neither worker count nor
order nor an interruption changes a bit of it.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Tensor

from pain3d.data.images import MAX_SIDE
from pain3d.data.manifest import Manifest
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import PAIN_AUS
from pain3d.places import Place
from pain3d.streams import stream
from pain3d.train.augment import Geometry, draw_geometry, photometry
from pain3d.train.frames_config import FramesConfig
from pain3d.train.neutrals import Neutrals
from pain3d.train.placing import square_of_frame
from pain3d.train.sampling import balanced_copies, epoch_order, subset, weighted_copies
from pain3d.train.shards import RowGroup, Shards, read_labels

PAIN = 1.0
"""PSPI from which a frame counts as one with pain when frames are weighted."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Some frames as tensors, float32."""

    image: Float[Tensor, "batch 3 size size"]
    """sRGB 0..1."""
    neutral: Float[Tensor, "batch shot 3 size size"] | None
    heatmap: Float[Tensor, "batch channel size size"] | None
    """0..1: millimetres over `heatmap_max_mm`, or their colours."""
    neutral_heatmap: Float[Tensor, "batch shot channel size size"] | None
    """Those of the neutral references."""
    au_heat: Float[Tensor, "batch 6 row column"] | None
    """Heat of each pain AU alone, 0..1, the mean over each patch."""
    landmarks: Float[Tensor, "batch 68 2"]
    """iBUG-68 x, y in the crop, 0..1; of a mirrored crop, the left ones are right ones. NaN where there are none."""
    aus: Float[Tensor, "batch 6"]
    """In the order of `PAIN_AUS`: five intensities 0..5, AU43 0 or 1. NaN where one is not coded."""
    pspi: Float[Tensor, " batch"]
    """0..16."""
    index: Int[Tensor, " batch"]
    """Frame numbers in their `FrameDataset`."""
    frame_ids: list[str]
    neutral_ids: list[list[str]] | None
    """The frames that served as neutral references."""

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        moved = {
            part.name: value.to(device, non_blocking=True)
            for part in dataclasses.fields(self)
            if isinstance(value := getattr(self, part.name), Tensor)
        }
        return dataclasses.replace(self, **moved)


class FrameDataset:
    """The frames of one split, or of some subjects of it. Picklable: a worker process gets the labels and opens the
    shards itself."""

    def __init__(self, path: str | Place, split: str | None, config: FramesConfig, seed: int) -> None:
        """Read the labels of all frames and check them.

        Args:
            path: folder of a finished dataset.
            split: ``train``, ``val`` or ``test``; None or ``all``: every frame.
            config: how frames are read.
            seed: of order, augmentation and neutral partners.

        Raises:
            ArgumentError: if the dataset lacks what the configuration asks for.
            DataError: if it is unfinished, damaged, of another version or mislabelled.
        """
        opened = open_dataset(path, split)
        self.path, self.split, self.config, self.seed = opened.path, split, config, seed
        self.manifest: Manifest = opened.manifest
        records = tuple(shard for shard in self.manifest.shards if split in (None, "all", shard.split))
        self._check_maps()
        self.labels = read_labels(opened, records, config.subjects)
        self._shards = Shards(
            self.path,
            records,
            self._pictures(),
            capacity=config.window + 2,
            boxes=self.manifest.source is not None,
        )
        self._groups = self._shards.groups_of(self.labels.rows)
        views = None if self.manifest.design is None else self.manifest.design.views
        self._neutrals = Neutrals(self.path, self.labels, views, config, seed)
        usable = np.flatnonzero(~self._neutrals.left_out)
        neutral = self.labels.expressions == 0
        self.chosen = usable[subset(self.labels.subjects[usable], neutral[usable], config.max_frames, seed)]
        """Numbers of the frames that are trained on or scored, rising."""
        self._order: tuple[int, Int[np.ndarray, " frame"]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_order": None}

    def __len__(self) -> int:
        return len(self.labels.frame_ids)

    def order(self, epoch: int) -> Int[np.ndarray, " frame"]:
        """Frame numbers in the order in which this epoch shows them."""
        if self._order is None or self._order[0] != epoch:
            copies = np.zeros(len(self), np.int64)
            copies[self.chosen] = 1
            if self.config.balance:
                copies = balanced_copies(self.labels.pspi, self.chosen, self.seed, epoch)
            elif self.config.pain_weight != 1:
                weights = np.where(self.labels.pspi >= PAIN, self.config.pain_weight, 1.0)
                copies = weighted_copies(weights, self.chosen, self.seed, epoch)
            window = self.config.window
            found = epoch_order(self._groups, copies, window=window, seed=self.seed, epoch=epoch)
            self._order = epoch, found
        return self._order[1]

    def batch(self, indices: Int[np.ndarray, " frame"] | Sequence[int], epoch: int) -> Batch:
        """These frames; augmentation and neutral partners are those of this epoch.

        Raises:
            DataError: if a shard or a picture is damaged, or a frame has too few neutral frames in other views.
        """
        numbers = [int(number) for number in indices]
        frames = [self._frame(number, epoch) for number in numbers]
        chosen = np.array(numbers, np.int64)
        return Batch(
            image=_tensor([frame.image for frame in frames]),
            neutral=_stacked([frame.neutral for frame in frames]),
            heatmap=self._heat([frame.heatmap for frame in frames]),
            neutral_heatmap=self._heat([frame.neutral_heatmap for frame in frames]),
            au_heat=_maps([frame.au_heat for frame in frames]),
            landmarks=torch.from_numpy(np.stack([frame.landmarks for frame in frames])),
            aus=torch.from_numpy(self.labels.aus[chosen]),
            pspi=torch.from_numpy(self.labels.pspi[chosen]),
            index=torch.from_numpy(chosen),
            frame_ids=[str(self.labels.frame_ids[number]) for number in numbers],
            neutral_ids=[frame.neutral_ids for frame in frames] if self.config.neutral else None,
        )

    def _pictures(self) -> tuple[str, ...]:
        names = ["image"]
        if self.config.heatmap:
            names.append("heatmap")
        if self.config.au_heatmaps:
            names += [f"au_heatmaps.{name}" for name in PAIN_AUS]
        return tuple(names)

    def _check_maps(self) -> None:
        source = self.manifest.source
        if source is not None and (self.config.heatmap or self.config.au_heatmaps):
            raise ArgumentError(
                f"frames.heatmap: True, but {self.path} was imported ({source.kind}) and has no heatmaps; "
                f"read its pictures alone: a recipe for pictures, and a model that reads them"
            )
        if self.config.au_heatmaps and "au_heatmaps" not in self.manifest.annotations:
            raise ArgumentError(
                f"frames.au_heatmaps: True, but {self.path} holds no heatmaps of single AUs; generate one with "
                f"--annotations au_heatmaps"
            )

    def _frame(self, number: int, epoch: int) -> _Frame:
        config, size = self.config, self.config.size
        rng = stream(self.seed, "augment", epoch, str(self.labels.frame_ids[number]))
        group = self._shards.group_of(int(self.labels.rows[number]))
        geometry = self._placed(group, number, rng, flip=None)
        image = self._image(group, number, geometry, rng)
        heat = self._maps(group, number, ("heatmap",), geometry, size)[0] if config.heatmap else None
        units = None
        if config.au_heatmaps:
            units = self._units(group, number, geometry)
        neutral, neutral_heat, ids = [], [], []
        for partner in self._neutrals.of(number, epoch) if config.neutral else []:
            other = self._group_of_neutral(partner)
            place = self._placed(other, partner, rng, flip=geometry.flip)
            neutral.append(self._image(other, partner, place, rng))
            if config.heatmap:
                neutral_heat += self._maps(other, partner, ("heatmap",), place, size)
            ids.append(str(self.labels.frame_ids[partner]))
        return _Frame(
            image=image,
            neutral=np.stack(neutral) if neutral else None,
            heatmap=heat,
            neutral_heatmap=np.stack(neutral_heat) if neutral_heat else None,
            au_heat=units,
            landmarks=(geometry.landmarks(self._landmarks(group, number), size) / size).astype(np.float32),
            neutral_ids=ids,
        )

    def _group_of_neutral(self, number: int) -> RowGroup:
        row = int(self.labels.rows[number])
        # In imported files it may lie anywhere; neutral frames of our own datasets lie beside the frame.
        return self._shards.group_of(row) if self.manifest.source is None else self._shards.kept(row)

    def _landmarks(self, group: RowGroup, number: int) -> Float[np.ndarray, "68 2"]:
        return group.landmarks[int(self.labels.rows[number]) - group.first]

    def _encoded(self, group: RowGroup, number: int, name: str) -> memoryview:
        return group.encoded(name, int(self.labels.rows[number]))

    def _placed(self, group: RowGroup, number: int, rng: np.random.Generator, *, flip: bool | None) -> Geometry:
        central = self.labels.placing == "centre"
        with _Naming(group, str(self.labels.frame_ids[number]), "image"):
            picture = _header(self._encoded(group, number, "image")).size if central else None
        box = group.boxes[int(self.labels.rows[number]) - group.first]
        try:
            square = square_of_frame(self._landmarks(group, number), box, picture, self.config.crop)
        except ArgumentError as error:
            raise DataError(f"{group.file}: {self.labels.frame_ids[number]}: landmarks: {error}") from None
        if self.config.augment is None:
            return Geometry(square=square)
        return draw_geometry(self.config.augment, square, rng, flip=flip)

    def _image(self, group: RowGroup, number: int, geometry: Geometry, rng: np.random.Generator) -> np.ndarray:
        with _Naming(group, str(self.labels.frame_ids[number]), "image"):
            picture = _header(self._encoded(group, number, "image"))
            full = picture.width
            # A JPEG much larger than the crop is decoded at a half or a quarter, which costs less.
            wanted = self.config.size / geometry.square.side
            picture.draft("RGB", (round(picture.width * wanted), round(picture.height * wanted)))
            picture.load()
        crop = geometry.cut(picture.convert("RGB"), self.config.size, picture.width / full)
        if self.config.augment is not None:
            crop = photometry(self.config.augment, crop, rng)
        return np.asarray(crop)

    def _units(self, group: RowGroup, number: int, geometry: Geometry) -> Float[np.ndarray, "6 row column"]:
        # At a few pixels a patch the cut averages already: a tenth of the work of a cut at full size.
        grid = self.config.size // self.config.patch
        fine = min(_PATCH_SAMPLES, self.config.patch)
        names = [f"au_heatmaps.{name}" for name in PAIN_AUS]
        maps = [
            unit for three in (names[:3], names[3:]) for unit in self._maps(group, number, three, geometry, grid * fine)
        ]
        return np.stack(maps).reshape(6, grid, fine, grid, fine).mean(axis=(2, 4), dtype=np.float32)

    def _maps(
        self, group: RowGroup, number: int, names: Sequence[str], geometry: Geometry, size: int
    ) -> list[np.ndarray]:
        """One map, or three as the channels of one picture, which is cut once."""
        maps = [self._map(group, number, name) for name in names]
        if len(maps) == 1:
            return [np.asarray(geometry.cut(maps[0], size))]
        crop = np.asarray(geometry.cut(Image.merge("RGB", maps), size))
        return [crop[..., channel] for channel in range(3)]

    def _map(self, group: RowGroup, number: int, name: str) -> Image.Image:
        with _Naming(group, str(self.labels.frame_ids[number]), name):
            picture = _header(self._encoded(group, number, name))
            picture.load()
            if picture.mode != "L":
                raise DataError(f"it is of mode {picture.mode}, not 8-bit grey")
            return picture

    def _heat(self, maps: Sequence[np.ndarray | None]) -> Tensor | None:
        present = [found for found in maps if found is not None]
        if not present:
            return None
        stacked = np.stack(present)
        if self.config.modality == "grey":
            return torch.from_numpy(stacked[..., None, :, :].astype(np.float32) / np.float32(255))
        colours = HEAT_COLOURS[stacked]
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(colours, -1, -3)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frame:
    image: np.ndarray
    neutral: np.ndarray | None
    heatmap: np.ndarray | None
    neutral_heatmap: np.ndarray | None
    au_heat: np.ndarray | None
    landmarks: np.ndarray
    neutral_ids: list[str]


_PATCH_SAMPLES = 4
"""Pixels a side of a patch that AU maps are averaged from."""

HEAT_COLOURS: Float[np.ndarray, "256 3"] = np.clip(
    3 * np.linspace(0, 1, 256, dtype=np.float32)[:, None] - np.arange(3, dtype=np.float32), 0, 1
)
"""Black, red, yellow, white: the colour of each value of a heatmap."""


def _header(encoded: memoryview) -> Image.Image:
    picture = Image.open(io.BytesIO(encoded), formats=("JPEG", "PNG", "WEBP"))
    if max(picture.size) > MAX_SIDE:
        raise DataError(f"the picture is {picture.width} x {picture.height}; the longest side allowed is {MAX_SIDE}")
    return picture


class _Naming:
    """Errors of a picture as one that names file, frame and column."""

    def __init__(self, group: RowGroup, frame: str, column: str) -> None:
        self._where = f"{group.file}: {frame}: {column}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (OSError, ValueError, SyntaxError, DataError, Image.DecompressionBombError)):
            raise DataError(
                f"{self._where}: the picture cannot be read ({error}); run the same generate or import command again, "
                f"which makes damaged shards anew, or restore the file from a copy"
            ) from None


def _tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    """Channels before rows, 0..1."""
    pixels = torch.from_numpy(np.stack(pictures)).movedim(-1, -3)
    return pixels.to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _stacked(pictures: Sequence[np.ndarray | None]) -> Tensor | None:
    present = [picture for picture in pictures if picture is not None]
    return _tensor(present) if present else None


def _maps(maps: Sequence[np.ndarray | None]) -> Tensor | None:
    present = [found for found in maps if found is not None]
    return torch.from_numpy(np.stack(present) / np.float32(255)) if present else None
