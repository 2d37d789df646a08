"""What a .glb shows is the subject: at rest, in every unit, in expressions that are mixed by a viewer."""

import io

import numpy as np
import pytest
from glb_reader import Glb
from PIL import Image

import pain3d
from pain3d.errors import ArgumentError
from pain3d.face.mesh import Part
from pain3d.facs import AU_NAMES, Expression
from pain3d.gltf.export import GlbReport, export_glb
from pain3d.gltf.morphs import weights_of

DRESSED = pain3d.Looks(skin="procedural", hair="strands", glasses=1.0, cannula=1.0)


@pytest.fixture(scope="module")
def subject() -> pain3d.Subject:
    return pain3d.Subject.sample(seed=12, looks=DRESSED)


@pytest.fixture(scope="module")
def made(subject, tmp_path_factory) -> tuple[GlbReport, Glb]:
    report = export_glb(subject, tmp_path_factory.mktemp("glb") / "head.glb")
    return report, Glb(report.file)


def played(glb: Glb, expression: Expression) -> dict[str, float]:
    """Weights by what the file says of itself."""
    about = glb.document["asset"]["extras"]["pain3d"]
    table = about["intensity_to_weight"]
    weights = {name: float(np.interp(value, table["levels"], table["weights"])) for name, value in expression.items()}
    weights["AU43"] = dict(expression.items())["AU43"]
    for name, corrective in about["correctives"].items():
        own = [weights[unit] for unit in corrective["units"]]
        weights[name] = {"4w(1-w)": 4 * own[0] * (1 - own[0]), "w1w2": own[0] * own[-1]}[corrective["weight"]]
    return weights


def farthest_mm(ours: np.ndarray, theirs: np.ndarray) -> float:
    return 1000 * float(np.sqrt(np.square(ours - theirs).sum(axis=1)).max())


def test_at_rest_it_is_the_head_with_its_hair(subject, made):
    report, glb = made
    rest = subject.with_hair(subject.head.neutral)
    assert np.array_equal(glb.mixed_m("face", {}).astype(np.float32), rest.vertices_m)
    assert report.triangles == sum(
        len(glb.values(part["indices"])) // 3 for mesh in glb.document["meshes"] for part in mesh["primitives"]
    )
    covered = [glb.values(part["indices"]).reshape(-1, 3) for part in glb.mesh("face")["primitives"]]
    assert sum(map(len, covered)) == len(subject.head.topology.triangles)
    eyes = subject.head.topology.triangles[subject.head.topology.part == Part.EYE]
    assert np.array_equal(covered[2], eyes)


@pytest.mark.parametrize("name", AU_NAMES)
def test_every_unit_in_full_is_the_rigs(subject, made, name):
    expression = Expression(**{name: 1 if name == "AU43" else 5})
    posed = subject.with_hair(subject.head.express(expression)).vertices_m
    assert farthest_mm(made[1].mixed_m("face", {name: 1.0}), posed) < 0.005
    assert farthest_mm(made[1].mixed_m("face", {}), posed) > 1.0


def test_no_expression_is_farther_off_than_the_report_says(subject, made):
    report, glb = made
    rng = np.random.default_rng(5)
    worst, without = [], []
    for _ in range(12):
        units = {str(name): float(rng.integers(1, 6)) for name in rng.choice(AU_NAMES[:-1], 3, replace=False)}
        expression = Expression(**units, AU43=float(rng.integers(2)))
        posed = subject.with_hair(subject.head.express(expression)).vertices_m
        weights = played(glb, expression)
        worst.append(farthest_mm(glb.mixed_m("face", weights), posed))
        bare = {name: weights[name] for name in AU_NAMES}
        without.append(farthest_mm(glb.mixed_m("face", bare), posed))
    assert max(worst) < report.deviation.largest_mm + 0.5
    assert sum(worst) < sum(without)  # correctives earn their keep
    assert 0.2 < report.deviation.largest_mm < 3.0


def test_lids_and_jaw_have_correctives(made):
    names = made[0].targets
    assert names[: len(AU_NAMES)] == AU_NAMES
    assert {"AU7 with AU43", "AU26 with AU27"} <= set(names)
    for mesh in made[1].document["meshes"]:
        assert mesh["extras"]["targetNames"] == list(names)
        assert all(len(part["targets"]) == len(names) for part in mesh["primitives"])


def test_hair_and_what_is_worn_move_with_the_face(subject, made):
    glb = made[1]
    ribbons, neutral = subject.ribbons, subject.head.neutral
    posed = subject.head.express(Expression(AU2=5))
    middle = glb.mixed_m("hair", {"AU2": 1.0}).reshape(*ribbons.half_width_m.shape, 2, 3).mean(axis=2)
    assert farthest_mm(middle.reshape(-1, 3), ribbons.posed(neutral, posed)[0].reshape(-1, 3)) < 0.05
    worn = subject.wardrobe.posed(posed)[0]
    assert farthest_mm(glb.mixed_m("worn", {"AU2": 1.0}), worn) < 0.05
    assert farthest_mm(glb.mixed_m("worn", {"AU12": 1.0}), worn) > 0.2  # the tube goes with the cheek


def test_pictures_are_those_of_the_skin(subject, made):
    glb = made[1]
    pictures = {
        image["name"]: np.asarray(Image.open(io.BytesIO(glb.view(image["bufferView"]))))
        for image in glb.document["images"]
    }
    assert set(pictures) == {"colour", "roughness", "relief", "lashes", "strands"}
    assert np.abs(pictures["colour"].astype(int) - subject.maps.albedo).mean() < 2
    assert np.array_equal(pictures["roughness"][..., 1], subject.maps.roughness)
    length = np.sqrt(np.square(pictures["relief"] / 127.5 - 1.0).sum(axis=-1))
    assert np.abs(length - 1).max() < 0.02
    assert (pictures["relief"][..., 2] > 127).all()  # never below the surface
    for name in ("lashes", "strands"):
        assert 0.1 < (pictures[name][..., 3] > 115).mean() < 0.9


def test_the_same_subject_gives_the_same_bytes(subject, made, tmp_path):
    again = export_glb(pain3d.Subject.sample(seed=12, looks=DRESSED), tmp_path / "again.glb")
    assert again.file.read_bytes() == made[0].file.read_bytes()


def test_bad_arguments_are_named(subject, tmp_path):
    with pytest.raises(ArgumentError, match=r"path: 'head.obj' does not end in .glb"):
        export_glb(subject, "head.obj")
    with pytest.raises(ArgumentError, match="corrected_mm: 0 is not above 0"):
        export_glb(subject, tmp_path / "x.glb", corrected_mm=0)
    with pytest.raises(TypeError, match="subject"):
        export_glb("s00001", tmp_path / "x.glb")  # pyright: ignore[reportArgumentType]
    assert not list(tmp_path.iterdir())


def test_weights_are_the_levels():
    assert weights_of(Expression(AU4=3, AU43=1).vector)[[2, 15]] == pytest.approx([0.62, 1.0])
