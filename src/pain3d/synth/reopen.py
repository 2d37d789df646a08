"""The people of a finished dataset, in three dimensions again."""

from __future__ import annotations

from dataclasses import fields

from pain3d.data.manifest import read_manifest
from pain3d.data.progress import SKINS
from pain3d.demographics import subject_id as subject_id_of
from pain3d.errors import ArgumentError
from pain3d.places import Place, location
from pain3d.skin.diffusion import folder
from pain3d.skin.looks import DEFAULT, PROCEDURAL, Looks
from pain3d.synth.plan import plan_subject, subject_number
from pain3d.synth.rows import planned_subject
from pain3d.synth.subject import Subject, skin_maker


def first_subject(dataset: Place | str) -> str:
    """The first of a dataset's subjects, as in ``s00000``.

    Raises:
        DataError: if there is no dataset, or it was imported.
    """
    design = read_manifest(location(dataset)).made
    return min(design.only, default=subject_id_of(0))


def subject_of(dataset: Place | str, subject_id: str, *, skin: str | None = None) -> Subject:
    """One person of a dataset that pain3d made.

    Args:
        dataset: its folder.
        subject_id: as in ``s00042``.
        skin: folder or Hub id of the model that sampled the skins, if that is not the bundled one.

    Raises:
        ArgumentError: for a subject that the dataset does not hold, or a model of other weights than it was made with.
        DataError: if there is no dataset, or it was imported.
    """
    out = location(dataset)
    manifest = read_manifest(out)
    design, number = manifest.made, subject_number(subject_id, argument="subject")
    if number >= design.subjects or (design.only and subject_id not in design.only):
        held = f"{len(design.only)} chosen ones" if design.only else f"s00000..s{design.subjects - 1:05d}"
        raise ArgumentError(f"subject: {subject_id} is not in {out}, which holds {held}; name one of those")
    configuration = dict(manifest.configuration)
    made_with = str(configuration["skin"])
    if made_with != PROCEDURAL:
        skin = skin or DEFAULT.skin
        digest = folder.digest_of(folder.find(skin))
        if made_with != f"diffusion {digest}":
            raise ArgumentError(
                f"skin: {skin} has weights {digest[:12]}.., but {out} was made with {made_with.split()[-1][:12]}..; "
                f"name the model that made it"
            )
        configuration["skin"] = skin
    looks = Looks(**{part.name: configuration[part.name] for part in fields(Looks)})  # pyright: ignore[reportArgumentType]
    return planned_subject(plan_subject(number, manifest.seed), looks, skin_maker(looks.skin, out / SKINS))
