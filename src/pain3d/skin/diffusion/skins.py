"""Skins by diffusion: the painter's fine work over a sampled picture, kept by hash so that it is sampled once."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from pain3d import stores
from pain3d.errors import DataError, storage_error
from pain3d.face.cache import DAMAGE, Arrays, cached, load_arrays, read_arrays, save_arrays, write_arrays
from pain3d.places import Place
from pain3d.skin.diffusion import folder
from pain3d.skin.diffusion.conditions import conditions
from pain3d.skin.diffusion.grounds import Grounds
from pain3d.skin.maps import SkinMaps
from pain3d.skin.procedural import Painter
from pain3d.skin.tone import ita_degrees, srgb_to_linear
from pain3d.skin.traits import SkinTraits
from pain3d.streams import derive_seed

if TYPE_CHECKING:
    from pain3d.skin.diffusion.checkpoint import SkinModel

SEAM_TEXELS = 24.0
"""Of an atlas of 1024: how far the difference between a known texel and the sample beside it reaches."""


@final
class DiffusionSkins:
    """Makes skins as `Painter` does: a pure function of traits, atlas and weights."""

    def __init__(self, name_or_path: str | Path, painter: Painter, shelf: Place | None = None) -> None:
        """Find a model; torch is loaded and weights are read when a skin is sampled that was never sampled before.

        Args:
            name_or_path: ``diffusion`` (the bundled model), a folder, or a Hub id.
            painter: paints what the model does not: fine detail, hair, eyes, teeth, garment.
            shelf: folder, or place in a store, that keeps what was sampled with the run that it belongs to; the user's
                cache alone without.

        Raises:
            DataError: if there is no such model, or it is not whole.
        """
        self.folder = folder.find(name_or_path)
        self.digest = folder.digest_of(self.folder)
        self.painter = painter
        self.shelf = shelf
        self.grounds = Grounds(painter)
        self.chart = self.grounds.chart

    @cached_property
    def model(self) -> SkinModel:
        """The weights."""
        from pain3d.skin.diffusion import checkpoint

        return checkpoint.load(self.folder)

    def paint(self, traits: SkinTraits) -> SkinMaps:
        """The maps of one skin. What was sampled is kept in the user's cache by the hash of weights and traits.

        Raises:
            DataError: for a damaged model, or a sample whose tone misses the one asked for.
        """
        ground = self.grounds.picture(traits)
        return self.chart.paint_on(self.painter.paint(traits), ground, self.picture(traits), traits)

    def picture(self, traits: SkinTraits) -> Float[np.ndarray, "channel side side"]:
        """What the model draws for these traits; from the shelf if there is one, else the cache, if drawn before.

        Raises:
            DataError: if what the shelf holds is damaged.
            StorageError: if the shelf takes no more.
        """
        key = hashlib.sha256(f"{self.digest} {traits}".encode())
        name = f"skin-sample-{key.hexdigest()[:24]}"
        kept_at = None if self.shelf is None else self.shelf / f"{name}.npz"
        if kept_at is None:
            return cached(name, lambda: self._drawn(traits), made_from=key.digest())["picture"].astype(np.float32)
        taken = _taken(kept_at, key.digest())
        if taken is None:
            taken = self._drawn(traits)
            _keep(kept_at, taken, key.digest())
        return taken["picture"].astype(np.float32)

    def _drawn(self, traits: SkinTraits) -> Arrays:
        """In half precision, as it is kept: the first picture is made from the same numbers as later ones."""
        return {"picture": self._sampled(traits).astype(np.float16)}

    def _sampled(
        self, traits: SkinTraits, known: np.ndarray | None = None, mask: np.ndarray | None = None
    ) -> Float[np.ndarray, "channel side side"]:
        from pain3d.skin.diffusion.sampler import sample

        seed = derive_seed(traits.seed, "skin diffusion")
        return sample(self.model, conditions(traits), seed, known=known, mask=mask)

    def complete(self, traits: SkinTraits, known: SkinMaps, mask: Bool[np.ndarray, "size size"]) -> SkinMaps:
        """A skin that is `known` where `mask` is true, to the bit, and sampled in agreement with it elsewhere.

        Args:
            traits: of the whole skin; they say what is not known.
            known: maps over the painter's atlas; what they hold off the mask plays no part.
            mask: true at known texels; some of cheeks and forehead, by which the tone is taken over, must be.

        Raises:
            ValueError: for maps or a mask of another size.
            DataError: if no texel is known where skin tone is measured.
        """
        size = self.painter.atlas.size
        if known.size != size or mask.shape != (size, size) or mask.dtype != bool:
            raise ValueError(f"mask: {mask.dtype} {mask.shape} over maps of {known.size}; both must be {size} x {size}")
        measured = self.painter.atlas.measured
        seen = measured[mask.ravel()[measured]]
        if not len(seen):
            raise DataError("mask: no texel of cheeks and forehead is known, where skin tone is measured; mark some")
        painted = self.painter.paint(traits)
        tone = srgb_to_linear(known.albedo.reshape(-1, 3)[seen]).mean(axis=0)
        ours = srgb_to_linear(painted.albedo.reshape(-1, 3)[seen]).mean(axis=0)
        filler = self.chart.recoloured(painted, np.log(tone) - np.log(ours))
        there = _composed(filler, known, mask)
        picture = self._sampled(traits, self.chart.picture(there), self.chart.coarse(mask))
        drawn = self.chart.drawn_on(filler, self.grounds.picture(traits), picture)
        made = _composed(_seamless(drawn, known, mask), known, mask)
        albedo = srgb_to_linear(made.albedo.reshape(-1, 3)[measured])
        return dataclasses.replace(made, ita_degrees=ita_degrees(albedo))


def _taken(path: Place, made_from: bytes) -> Arrays | None:
    """What the shelf holds; None where it holds nothing of this name."""
    try:
        if isinstance(path, Path):
            return read_arrays(path, made_from=made_from)
        return load_arrays(io.BytesIO(stores.read(path)), made_from=made_from)
    except FileNotFoundError:
        return None
    except (*DAMAGE, OSError) as error:
        raise DataError(f"{path}: is damaged ({error}); delete it, and the skin is sampled again") from error


def _keep(path: Place, drawn: Arrays, made_from: bytes) -> None:
    if not isinstance(path, Path):
        content = io.BytesIO()
        save_arrays(content, drawn, made_from=made_from)
        stores.put(path, content.getvalue())
        return
    try:
        write_arrays(path, drawn, made_from=made_from)
    except OSError as error:
        raise storage_error(path, error) from error


def _composed(under: SkinMaps, known: SkinMaps, mask: np.ndarray) -> SkinMaps:
    return dataclasses.replace(
        under,
        albedo=np.where(mask[..., None], known.albedo, under.albedo),
        height_mm=np.where(mask, known.height_mm, under.height_mm),
        roughness=np.where(mask, known.roughness, under.roughness),
    )


def _seamless(drawn: SkinMaps, known: SkinMaps, mask: np.ndarray) -> SkinMaps:
    """The drawn skin, drawn towards the known one near it, so that no edge shows."""
    at = np.empty((2, *mask.shape), dtype=np.int32)
    distance = np.empty(mask.shape)
    distance_transform_edt(~mask, return_indices=True, distances=distance, indices=at)
    near = np.exp(-((distance * 1024 / drawn.size / SEAM_TEXELS) ** 2))
    step = (known.albedo.astype(np.float64) - drawn.albedo)[at[0], at[1]]
    albedo = np.clip(np.round(drawn.albedo + near[..., None] * step), 0, 255).astype(np.uint8)
    return dataclasses.replace(drawn, albedo=albedo)
