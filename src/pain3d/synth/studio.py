"""Studio: a renderer with a subject in front of it. The one place where geometry, skin and renderer meet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import numpy as np

from pain3d.data.schema import Annotation
from pain3d.face import makehuman
from pain3d.face.acting import Acting
from pain3d.face.coarse import load_coarse
from pain3d.face.gaze import Gaze, TurnedEyes
from pain3d.face.mesh import FaceMesh
from pain3d.face.rig import side_weights
from pain3d.facs import Expression
from pain3d.render import device as render_device
from pain3d.render.frame import Frame
from pain3d.render.hair import HairStyle, PosedHair
from pain3d.render.heatmap import au_displacements_mm, pain_displacement_mm
from pain3d.render.renderer import MeshOnDevice, Renderer
from pain3d.render.scene import Scene
from pain3d.render.worn import PosedWorn
from pain3d.skin import procedural
from pain3d.skin.looks import DEFAULT, Looks
from pain3d.skin.procedural import GREY_HAIR, hair_albedo
from pain3d.streams import stream
from pain3d.synth.subject import Subject


def prepare(device: str = "cpu", looks: Looks = DEFAULT) -> None:
    """Make what all processes of this machine share, if it is not there yet: cached assets and compiled kernels."""
    load_coarse()
    render_device.prepare(device, worn=looks.glasses > 0 or looks.cannula > 0)
    procedural.prepare()


class Studio:
    """A renderer for the default head model; one a process and device, from `studio`."""

    def __init__(self, device: str = "cpu") -> None:
        self.renderer = Renderer(makehuman.load().topology, device=device)

    def seat(self, subject: Subject) -> Sitting:
        """Put a subject before the camera."""
        return Sitting(self.renderer, subject)


@cache
def studio(device: str) -> Studio:
    """The studio of this process on a device."""
    return Studio(device)


@dataclass(frozen=True, kw_only=True, eq=False)
class Posed:
    """One expression of a subject, uploaded."""

    mesh: MeshOnDevice
    hair: PosedHair | None
    worn: PosedWorn | None = None


class Sitting:
    """One subject before the camera: the skin is uploaded once, the face once for each expression."""

    def __init__(self, renderer: Renderer, subject: Subject) -> None:
        self.subject = subject
        self._renderer = renderer
        self._neutral = subject.head.neutral
        self._eyes = None
        if subject.looks.wet:
            self._eyes = TurnedEyes.of(self._neutral, Gaze.sample(stream(subject.seed, "gaze")))
        self._skin = renderer.upload_skin(subject.maps, subject.with_hair(self._neutral), wet=self._eyes)
        self._hair = None if subject.ribbons is None else renderer.upload_hair(hair_style(subject))
        over = subject.wardrobe
        self._worn = (
            None if over is None else renderer.upload_worn(over.materials, over.triangles, over.material, over.strength)
        )

    def pose(self, acted: Expression | Acting, annotations: Collection[Annotation] = ()) -> Posed:
        """Upload the face that acts so, with what its heatmaps show, for `shoot`."""
        acting = Acting.of(acted)
        head, vector = self.subject.head, acting.vector
        posed = head.pose(vector) if vector.any() else self._neutral
        alone = au_displacements_mm(head, acting, self._neutral) if "au_heatmaps" in annotations else None
        moved = pain_displacement_mm(head, acting, posed)
        folded = None
        if self.subject.looks.wrinkles and vector.any():
            folded = self.subject.wrinkles.relief(side_weights(head.identity, vector))
        mesh = self._renderer.upload_mesh(
            self._dressed(posed), moved, alone, folded, keep_wrinkles="wrinkles" in annotations
        )
        return Posed(mesh=mesh, hair=self._posed_hair(posed), worn=self._posed_worn(posed))

    def _posed_hair(self, bare: FaceMesh) -> PosedHair | None:
        ribbons = self.subject.ribbons
        return None if self._hair is None or ribbons is None else self._hair.pose(*ribbons.posed(self._neutral, bare))

    def _posed_worn(self, bare: FaceMesh) -> PosedWorn | None:
        wardrobe = self.subject.wardrobe
        return None if self._worn is None or wardrobe is None else self._worn.pose(*wardrobe.posed(bare))

    def _dressed(self, mesh: FaceMesh) -> FaceMesh:
        """What pictures show of a posed face; labels measure the bare one."""
        hairy = self.subject.with_hair(mesh)
        return hairy if self._eyes is None else self._eyes.on(hairy)

    def shoot(self, posed: Posed, scene: Scene, annotations: Collection[Annotation] = ()) -> Frame:
        """Take a picture of a posed face. Scenes that share light and background objects share their uploads."""
        return self._renderer.draw(
            self._skin,
            posed.mesh,
            scene,
            hair=posed.hair,
            worn=posed.worn,
            normals="normals" in annotations,
            albedo="albedo" in annotations,
            wrinkles="wrinkles" in annotations,
        )


def hair_style(subject: Subject) -> HairStyle:
    """What all poses of a subject's ribbons share."""
    ribbons, traits = subject.ribbons, subject.skin_traits
    if ribbons is None:
        raise ValueError("subject: has no ribbons of hair; ask for Looks(hair='strands'), and for one who is not bald")
    return HairStyle(
        half_width_m=ribbons.half_width_m,
        layer=ribbons.layer,
        seed=ribbons.seed,
        beard=ribbons.beard,
        pigmented=hair_albedo(traits.hair_eumelanin, traits.hair_pheomelanin),
        grey=np.array(GREY_HAIR),
        grey_share=traits.grey,
    )


_LAST: dict[str, Sitting] = {}
"""The sitting of the last subject on each device, so that several pictures of one subject upload its skin once."""


def seated(subject: Subject, device: str) -> Sitting:
    """The sitting of a subject; asked for the same subject again, the same sitting."""
    if device not in _LAST or _LAST[device].subject is not subject:
        _LAST[device] = studio(device).seat(subject)
    return _LAST[device]
