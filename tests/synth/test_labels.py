"""Labels are sacred: laws that every annotation keeps, from the seed to the bytes of the shard.

Nothing of the label code is used to judge it: surfaces are found again from the depth picture and the camera column,
and displacements from two poses of the head, in plain NumPy (`label_geometry`).
"""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
from label_geometry import (
    HEATED,
    PAIN,
    Eye,
    aus_of,
    inside,
    places_on,
    some_pixels,
    travel_mm,
    vector,
    without,
)

import pain3d
from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.sample import Sample
from pain3d.data.schema import dataset_schema
from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES
from pain3d.face import makehuman
from pain3d.face.landmarks import MIRROR
from pain3d.face.mesh import FaceMesh, Region
from pain3d.face.model import Identity
from pain3d.facs import Expression
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import light
from pain3d.render.scene import Background, Camera, Scene
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig, kind_of, plan_subject
from pain3d.synth.studio import studio
from pain3d.synth.subject import Subject

CONFIG = PlanConfig(
    subjects=5,
    expressions=3,
    distractors=1,
    confounds=1,
    views=3,
    resolution=192,
    seed=8,
    annotations=("depth", "au_heatmaps"),
    subjects_per_shard=1,
)
"""Five subjects show all ages, both sexes and all appearance groups."""
STEP_MM = 16 / 255
"""What one grey value of a heatmap stands for."""
DEPTH_STEP_M = 1e-4
PIXELS = 250
"""Pixels of a frame that are traced back to the mesh."""

BROWS_TO_LIPS = slice(17, 60)
"""Landmarks that face the camera in a frontal view: not the jaw, not the inner lips."""
TRAVELLERS = {
    "AU4": (21, 22),
    "AU6": (40, 41, 46, 47),
    "AU7": (37, 38, 43, 44),
    "AU9": (31, 35),
    "AU10": (50, 51, 52),
    "AU43": (37, 38, 43, 44),
}
"""Landmarks that a unit must move: inner brows, lower lids, upper lids, wings of the nose, upper lip."""
ORAL = (Region.TEETH, Region.MOUTH, Region.TONGUE)
ACHE = Expression(AU4=4, AU6=3, AU7=2, AU9=3, AU10=4, AU12=2, AU25=3)

SIZES = [pytest.param(5, id="five"), pytest.param(50, id="all_cells", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=SIZES)
def data(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """A dataset from disk, as a user opens it."""
    out = tmp_path_factory.mktemp("labels") / "dataset"
    generate(out, dataclasses.replace(CONFIG, subjects=request.param), workers=1)
    return open_dataset(out)


@pytest.fixture(scope="module", params=SIZES)
def people(request: pytest.FixtureRequest) -> list[Subject]:
    """The same people, to be photographed in other ways."""
    return [person(number) for number in range(request.param)]


@cache
def person(number: int) -> Subject:
    plan = plan_subject(number, CONFIG.seed)
    return Subject(seed=plan.seed, age_years=plan.age_years, sex=plan.cell.sex, ethnicity=plan.cell.ethnicity)


@cache
def _subject(seed: int, age_years: int, sex: str, ethnicity: str) -> Subject:
    return Subject(seed=seed, age_years=age_years, sex=sex, ethnicity=ethnicity)  # pyright: ignore


def subject_of(sample: Sample) -> Subject:
    """The person whom the columns of a row describe."""
    return _subject(*(sample.row[name] for name in ("seed", "age_years", "sex", "ethnicity")))


def shown(sample: Sample) -> FaceMesh:
    """What the picture of a row shows: the face that its columns describe, with its hair."""
    subject = subject_of(sample)
    return subject.with_hair(subject.head.pose(aus_of(sample)))


def is_heated(sample: Sample) -> np.ndarray:
    return np.isin(sample.segmentation, HEATED)


def check_travel(sample: Sample, mesh: FaceMesh, heat_mm: np.ndarray, truth_mm: np.ndarray, what: str) -> None:
    """Traced back to the mesh, the pixels of a heatmap show how far their place on the surface went."""
    rows, columns = some_pixels(is_heated(sample), PIXELS)
    places = places_on(mesh, Eye.of(sample.camera), rows, columns, sample.depth[rows, columns])
    assert (places.triangle >= 0).mean() > 0.995, what
    found = places.triangle >= 0
    # edges that the camera just grazes are off by a little more than half a step of the depth picture
    assert np.quantile(places.off_m[found], 0.98) < 0.51 * DEPTH_STEP_M, what
    assert places.off_m[found].max() < 1e-3, what
    off = np.abs(heat_mm[rows, columns] - np.minimum(places.read(mesh, truth_mm), 16.0))[found]
    # half a step of the picture; a depth step decides between two surfaces only along the line where they meet
    assert np.quantile(off, 0.99) < 0.55 * STEP_MM, what
    assert (off > STEP_MM).mean() < 0.005, what


def test_the_five_show_every_group(people: list[Subject]) -> None:
    assert {subject.age_band for subject in people} == set(AGE_BANDS)
    assert {subject.sex for subject in people} == set(SEXES)
    assert {subject.ethnicity for subject in people} == set(ETHNICITIES)


def test_no_pain_no_heat_and_scores_follow_from_the_columns(data: Dataset) -> None:
    for sample in data:
        row, kind = sample.row, kind_of(sample.expression_id, CONFIG)
        score = row["AU4"] + max(row["AU6"], row["AU7"]) + max(row["AU9"], row["AU10"]) + row["AU43"]
        assert row["PSPI"] == score, sample.frame_id
        assert (score > 0) == (kind in ("pain", "confound")), sample.frame_id
        assert any(aus_of(sample)) == (kind != "neutral"), sample.frame_id
        maps = {"heatmap": (sample.heatmap, score > 0)}
        maps |= {name: (heat, row[name] > 0) for name, heat in sample.au_heatmaps.items()}
        for name, (heat, acts) in maps.items():
            if acts:
                assert heat.max() > 0.3, (sample.frame_id, name)
                assert (heat > 0).mean() > 0.002, (sample.frame_id, name)
            else:
                assert not heat.any(), (sample.frame_id, name)


def test_heatmaps_are_the_travel_of_the_surface_because_of_pain(data: Dataset) -> None:
    for sample in data:
        if sample.pspi:
            acted = aus_of(sample)
            truth = travel_mm(subject_of(sample).head, acted, without(acted, PAIN))
            check_travel(sample, shown(sample), sample.heatmap, truth, sample.frame_id)


def test_heatmaps_of_single_units_are_their_travel_alone(data: Dataset) -> None:
    for sample in data:
        if not sample.pspi or sample.view_id:
            continue
        head, mesh = subject_of(sample).head, shown(sample)
        for name, heat in sample.au_heatmaps.items():
            if sample.row[name]:
                truth = travel_mm(head, vector(**{name: sample.row[name]}), vector())
                check_travel(sample, mesh, heat, truth, f"{sample.frame_id} {name}")


def test_heat_is_where_skin_is(data: Dataset) -> None:
    for sample in data:
        for name, heat in {"heatmap": sample.heatmap, **sample.au_heatmaps}.items():
            assert not heat[~is_heated(sample)].any(), (sample.frame_id, name)
        assert np.array_equal(sample.segmentation == Region.BACKGROUND, sample.depth == 0), sample.frame_id


def test_landmarks_fall_where_the_camera_column_says(data: Dataset) -> None:
    for sample in data:
        mesh = shown(sample)
        pixels = Eye.of(sample.camera).pixels(mesh.vertices_m[mesh.topology.landmarks])
        assert np.abs(pixels - sample.landmarks).max() < 1e-3, sample.frame_id


def test_landmarks_stand_on_what_the_depth_picture_shows(data: Dataset) -> None:
    for sample in data:
        if sample.view_id:
            continue
        mesh = shown(sample)
        depth = Eye.of(sample.camera).seen(mesh.landmarks_m)[BROWS_TO_LIPS, 2]
        x, y = np.floor(sample.landmarks[BROWS_TO_LIPS]).astype(int).T
        around = np.stack([sample.depth[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
        # pixels are 1.7 mm wide: the landmark lies between their centres, and at the temples the face falls off steeply
        assert np.abs(around - depth).min(axis=0).max() < 2.5e-3, sample.frame_id
        between = (around.min(axis=0) - 1.5e-3 < depth) & (depth < around.max(axis=0) + 1.5e-3)
        assert between.all(), (sample.frame_id, np.flatnonzero(~between) + 17)


def test_the_camera_column_is_what_the_angles_say(data: Dataset) -> None:
    for sample in data:
        eye = Eye.of(sample.camera)
        yaw, pitch, roll = np.deg2rad([sample.yaw, sample.pitch, sample.roll])
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        lift = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
        tip = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        expected = np.diag([1.0, -1.0, -1.0]) @ tip @ lift @ turn
        assert np.abs(eye.rotation - expected).max() < 1e-6, sample.frame_id
        assert eye.translation_m[2] > 0.8
        nose, ears = sample.landmarks[30, 0], sample.landmarks[[0, 16], 0].mean()
        if sample.view_id:  # turned to the subject's own left, the nose goes right in the picture
            assert (nose > ears) == (sample.view_id == 1) == (sample.yaw > 0), sample.frame_id


def test_a_frame_made_alone_is_the_row_of_the_shard(data: Dataset) -> None:
    """Every column, byte for byte: other frames, views and annotations leave no trace in it."""
    schema = dataset_schema(CONFIG.annotations)
    for sample in [data[i] for i in range(len(data) - 1, -1, -max(13, len(data) // 12))]:
        views = max(1, sample.view_id + 1)
        columns = pain3d.reproduce(sample.row, dataclasses.replace(CONFIG, subjects=100, views=views)).columns()
        stored = [pa.array([columns[part.name]], type=part.type) for part in schema]
        assert pa.Table.from_arrays(stored, schema=schema).to_pylist()[0] == dict(sample.row), sample.frame_id


def test_eyes_are_eyes_while_they_are_open(people: list[Subject]) -> None:
    for subject in people:
        open_eyed, closed, tight = (
            pain3d.render(subject, expression, resolution=320)
            for expression in (Expression(), Expression(AU43=1), Expression(AU7=5, AU43=1))
        )
        for first in (36, 42):
            middle = inside(open_eyed.landmarks[first : first + 6], 320, margin_px=1.0)
            assert middle.sum() > 30
            assert (open_eyed.segmentation[middle] == Region.EYES).mean() > 0.97, subject
            assert (closed.segmentation[middle] == Region.SKIN).mean() > 0.97, subject
        for shut in (closed, tight):
            assert (shut.segmentation == Region.EYES).sum() <= 4, subject


def test_the_mouth_is_seen_only_through_parted_lips(people: list[Subject]) -> None:
    def oral(subject: Subject, yaw: float = 0.0, **intensities: float) -> np.ndarray:
        picture = pain3d.render(subject, Expression(**intensities), yaw=yaw, resolution=256)  # pyright: ignore
        return np.isin(picture.segmentation, ORAL)

    for subject in people:
        assert oral(subject).sum() == 0, subject
        for au in ("AU4", "AU6", "AU9", "AU12", "AU15", "AU17", "AU20"):
            assert oral(subject, **{au: 5.0}).sum() <= 8, (subject, au)  # of 65536; at most 6 in the fifty cells
        assert max(oral(subject, yaw=yaw).sum() for yaw in (-45.0, 45.0)) <= 6, subject
        seen = [int(oral(subject, AU25=level).sum()) for level in (0.0, 2.0, 5.0)]
        assert seen[0] < seen[1] < seen[2], subject
        talking = pain3d.render(subject, Expression(AU25=5, AU26=4), resolution=256)
        gap = inside(talking.landmarks[[60, 62, 64, 66]], 256, margin_px=1.0)
        assert np.isin(talking.segmentation[gap], ORAL).mean() > 0.97, subject
        assert (talking.segmentation == Region.TEETH).any(), subject
        beyond = ~inside(talking.landmarks[48:60], 256, margin_px=-1.0)
        assert not np.isin(talking.segmentation[beyond], ORAL).any(), subject


def mirrored(identity: Identity) -> Identity:
    """The person in the mirror."""
    shape = {}
    for name, value in identity.shape.items():
        folder, slash, change = name.rpartition("/")
        if change.startswith(("l-", "r-")):
            change = {"l": "r", "r": "l"}[change[0]] + change[1:]
        elif folder == "asym":
            change = change[:-1] + {"l": "r", "r": "l"}[change[-1]]
        shape[folder + slash + change] = value
    return dataclasses.replace(identity, shape=shape, asymmetry=-identity.asymmetry)


def evened(identity: Identity) -> Identity:
    """A person whose sides are the same."""
    other = mirrored(identity).shape
    shape = {name: 0.0 if name.startswith("asym/") else value for name, value in identity.shape.items()}
    shape = {name: (value + other[name]) / 2 if name in other else value for name, value in shape.items()}
    return dataclasses.replace(identity, shape=shape, asymmetry=np.zeros(16))


def photograph(subject: Subject, identity: Identity, expression: Expression, side: int):
    """From the subject's left (side 1) or right (-1), mirrored about the middle of the picture."""
    head, renderer = makehuman.load().head(identity), studio("cpu").renderer
    mesh = head.express(expression)
    camera = Camera.at_head(yaw=side * 25.0, pitch=6.0, roll=side * 3.0, shift_m=(side * 0.006, 0.004), resolution=256)
    grey = Background(name="grey", picture=np.full((8, 8, 3), 118, np.uint8))
    scene = Scene(camera=camera, light=light("studio", np.random.default_rng(0)), background=grey)
    posed = renderer.upload_mesh(mesh, pain_displacement_mm(head, expression, mesh))
    return renderer.draw(renderer.upload_skin(subject.maps, mesh), posed, scene)


@pytest.mark.parametrize(
    ("sides", "heat_mm", "depth_mm", "landmark_px"),
    # the targets that make a face lopsided come in pairs that are no exact mirror images of each other: 0.4 mm
    [(mirrored, 0.06, 0.8, 0.45), (evened, 0.03, 0.05, 0.05)],
    ids=["lopsided", "even"],
)
def test_a_mirrored_person_has_mirrored_labels(people: list[Subject], sides, heat_mm, depth_mm, landmark_px) -> None:
    for subject in people[::-1][:10]:
        identity = subject.identity if sides is mirrored else evened(subject.identity)
        for expression in (ACHE, Expression(AU43=1, AU4=3)):
            one = photograph(subject, identity, expression, 1)
            two = photograph(subject, mirrored(identity), expression, -1)
            there = two.landmarks_px[list(MIRROR)] * (-1, 1) + (256, 0)
            assert np.abs(there - one.landmarks_px).max() < landmark_px
            classes = np.stack([one.segmentation, two.segmentation[:, ::-1]])
            # hair is painted strand by strand, not evenly: its edge is left out
            bare = (classes != Region.HAIR).all(axis=0)
            assert (classes[0] == classes[1])[bare].mean() > 0.99, subject
            both = bare & (classes != Region.BACKGROUND).all(axis=0)
            assert ((one.depth_m > 0) == (two.depth_m[:, ::-1] > 0)).mean() > 0.999, subject
            for name, scale, most in (("heatmap_mm", 1, heat_mm), ("depth_m", 1000, depth_mm)):
                a, b = getattr(one, name), getattr(two, name)[:, ::-1]
                assert np.quantile(np.abs(a - b)[both] * scale, 0.99) < most, (subject, name)


@pytest.mark.parametrize("au", PAIN)
def test_more_of_a_unit_of_pain_moves_no_skin_less(people: list[Subject], au: str) -> None:
    """Alone: every point of the skin goes at least as far, landmarks of the unit further."""
    for subject in people:
        head = subject.head
        levels = np.linspace(0, 1 if au == "AU43" else 5, 6)
        everywhere = np.stack([travel_mm(head, vector(**{au: level}), vector()) for level in levels])
        travel = everywhere[:, head.topology.measured]
        assert np.diff(travel, axis=0).min() > -0.002, subject
        steps = np.diff(travel.max(axis=1))
        assert steps.min() > 0.3, subject
        marks = everywhere[:, head.topology.landmarks[list(TRAVELLERS[au])]]
        assert np.diff(marks, axis=0).min() > 0.1, subject


@pytest.mark.parametrize("au", PAIN)
def test_more_of_a_unit_among_others_takes_no_heat_away(people: list[Subject], au: str) -> None:
    """Among other units: the furthest travel never falls by more than what cannot be seen."""
    rng = np.random.default_rng(PAIN.index(au))
    for subject in people:
        others = dict(zip(("AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU25"), rng.integers(0, 6, 7), strict=True))
        furthest = []
        for level in (0.0, 1.0) if au == "AU43" else range(6):
            acted = vector(**{**others, au: level})
            furthest.append(travel_mm(subject.head, acted, without(acted, PAIN)).max())
        assert np.diff(furthest).min() > -0.15, (subject, others)


def test_the_picture_shows_the_furthest_travel(people: list[Subject]) -> None:
    """Seen from the front, a heatmap reaches what the mesh says, and grows with the unit."""
    for subject in people:
        maps = [pain3d.render(subject, Expression(AU4=level), resolution=192).heatmap for level in (1, 3, 5)]
        truth = [travel_mm(subject.head, vector(AU4=level), vector()).max() for level in (1, 3, 5)]
        assert np.allclose([heat.max() for heat in maps], truth, rtol=0.03), subject
        covered = (maps[0] > 0) & (maps[2] > 0)
        assert (maps[0].sum() < maps[1].sum() < maps[2].sum()) and covered.sum() > 200, subject
