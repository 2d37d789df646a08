"""Clips: timing that is a pure function of the seed, labels that are those of the pictures, a film on disk."""

import csv
import json

import av
import numpy as np
import pytest

import pain3d
from pain3d import cli
from pain3d.face.acting import Acting
from pain3d.facs import AU_INDEX, AU_NAMES, PAIN_AUS, Expression
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.skin.looks import PLAIN
from pain3d.synth.clip import COLUMNS, FRAMES_PER_SECOND, write_clip
from pain3d.synth.sitter import Sitter
from pain3d.synth.studio import seated
from pain3d.synth.timeline import SWAY_DEGREES, TREMOR, Timeline
from pain3d.synth.views import sample_view

APEX = Expression(AU4=4, AU6=3, AU7=4, AU9=2, AU10=3, AU25=2, AU43=1)


def moments(seed: int, seconds: float = 4.0, apex: Expression = APEX, take: int = 0):
    line = Timeline.draw(seed, apex, seconds, take)
    return [line.at(time) for time in np.arange(0, seconds + 1e-9, 0.02)]


@pytest.mark.parametrize("seconds", [2.0, 4.0, 9.5])
@pytest.mark.parametrize("seed", range(8))
def test_it_starts_and_ends_at_rest_and_reaches_the_apex_between(seed, seconds):
    shown = moments(seed, seconds)
    for end in (shown[0], shown[-1]):
        assert end.acting.expression == Expression()
        assert not end.acting.intensities.any()
    intensities = np.stack([moment.acting.intensities for moment in shown])
    highest = intensities.max(axis=0)
    assert (highest <= APEX.vector + 1e-9).all()
    assert (highest >= (1 - TREMOR) * APEX.vector - 1e-9).all()
    together = (intensities >= (1 - TREMOR) * APEX.vector - 1e-9).all(axis=1).mean()
    assert together > 0.15  # all units are at their apex at once for a while
    assert np.abs(np.diff(intensities, axis=0)).max() < 0.25 * 5  # nothing jumps in a fiftieth of a second
    assert max(moment.acting.expression.pspi for moment in shown) >= (1 - TREMOR) * APEX.pspi


def test_units_do_not_move_as_one():
    line = Timeline.draw(3, APEX, 4.0)
    starts = line.start_s[[AU_INDEX[name] for name in ("AU4", "AU6", "AU7", "AU9", "AU10")]]
    assert 0.02 < np.ptp(starts) <= 0.24


@pytest.mark.parametrize("seed", range(20))
def test_a_blink_is_no_pain(seed):
    apex = Expression(AU12=4, AU6=3)
    shown = moments(seed, 12.0, apex)
    closed = np.array([moment.acting.vector[AU_INDEX["AU43"]] for moment in shown])
    assert (closed > 0.95).any() and (closed == 0).mean() > 0.7
    assert all(moment.acting.expression["AU43"] == 0 for moment in shown)
    falling = (closed[1:] > 0.5) & (closed[:-1] <= 0.5)
    assert 1 <= falling.sum() <= 7


def test_the_head_sways_a_little_and_never_jumps():
    turned = np.array([[moment.yaw, moment.pitch, moment.roll] for moment in moments(5, 20.0)])
    assert (np.abs(turned) <= list(SWAY_DEGREES.values())).all()
    assert (np.ptp(turned, axis=0) > 0.4).all()
    assert np.abs(np.diff(turned, axis=0)).max() < 0.12


def test_the_seed_and_the_take_decide_the_timing():
    def starts(seed: int, take: int = 0):
        return Timeline.draw(seed, APEX, 4.0, take).start_s

    assert np.array_equal(starts(1), starts(1))
    assert not np.array_equal(starts(1), starts(2))
    assert not np.array_equal(starts(1), starts(1, take=1))


def test_a_blink_moves_no_heat_and_eyes_that_close_do():
    head = pain3d.Subject.sample(seed=4, looks=PLAIN).head
    blinking = Acting(intensities=Expression(AU12=3).vector, blink=0.8)
    assert not pain_displacement_mm(head, blinking, head.pose(blinking.vector)).any()
    frowning = Acting(intensities=Expression(AU4=4).vector, blink=0.8)
    heat = pain_displacement_mm(head, frowning, head.pose(frowning.vector))
    without = pain_displacement_mm(head, Acting.of(Expression(AU4=4)), head.express(Expression(AU4=4)))
    assert heat.max() == pytest.approx(without.max(), rel=0.1)
    half = Expression(AU4=4).vector
    half[AU_INDEX["AU43"]] = 0.5
    closing = Acting(intensities=half)
    assert closing.expression == Expression(AU4=4, AU43=1)
    assert pain_displacement_mm(head, closing, head.pose(closing.vector)).max() > heat.max() - 1e-3


def test_acting_an_expression_is_the_expression():
    acting = Acting.of(APEX)
    assert acting.expression == APEX and np.array_equal(acting.vector, APEX.vector)
    rest = acting.vector_without_pain
    assert not rest[[AU_INDEX[name] for name in PAIN_AUS]].any() and rest[AU_INDEX["AU25"]] == 2


def test_the_film_shows_what_its_labels_say(tmp_path):
    sitter = Sitter(seed=6, aus="AU4=5,AU6=4,AU43=1", resolution=96, looks=PLAIN, yaw=10)
    made = write_clip(tmp_path / "pain.mp4", sitter, seconds=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pain.csv", "pain.json", "pain.mp4"]
    with av.open(str(made.file)) as film:
        assert film.streams.video[0].average_rate == FRAMES_PER_SECOND
        shown = [frame.to_ndarray(format="rgb24").astype(float) for frame in film.decode(video=0)]
    with made.labels.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert tuple(lines[0]) == COLUMNS and len(lines) == len(shown) == made.frames == 50
    for line in lines:
        values = {name: float(line[name]) for name in AU_NAMES}
        assert float(line["PSPI"]) == pytest.approx(pain3d.pspi(**{name: values[name] for name in PAIN_AUS}), abs=2e-4)
    highest = max(range(50), key=lambda number: float(lines[number]["PSPI"]))
    assert made.highest_pspi == pytest.approx(float(lines[highest]["PSPI"]), abs=1e-3)
    # the frame of the apex, rendered anew from its line of the table
    sitting = seated(sitter.subject, "cpu")
    vector = np.array([float(lines[highest][name]) for name in AU_NAMES])
    pose = {name: float(lines[highest][name]) for name in ("yaw", "pitch", "roll")}
    view = sample_view(sitter.subject.seed, 0, resolution=96).turned(**pose)
    again = sitting.shoot(sitting.pose(Acting(intensities=vector)), view.scene(96)).rgb
    assert np.abs(again - shown[highest]).mean() < 4
    assert np.abs(again - shown[0]).mean() > np.abs(again - shown[highest]).mean() + 1
    told = json.loads(made.about.read_text())
    assert (told["aus"], told["age_years"], told["take"]) == (sitter.aus, sitter.subject.age_years, 0)


def test_an_interrupted_film_leaves_nothing(tmp_path):
    def stop(made: int, of: int) -> None:
        if made == 3:
            raise KeyboardInterrupt

    old = tmp_path / "pain.mp4"
    old.write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        write_clip(old, Sitter(resolution=32, looks=PLAIN), seconds=2, on_progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["pain.mp4"] and old.read_bytes() == b"older"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pain.avi"], "out: "),
        (["none/pain.mp4"], "out: the folder "),
        (["pain.mp4", "--resolution=65"], "--resolution: 65 is odd"),
        (["pain.mp4", "--seconds=1"], "--seconds: 1 is outside 2..60"),
        (["pain.mp4", "--aus=AU4=9"], "AU4: intensity 9 is outside 0..5"),
    ],
)
def test_refusals(tmp_path, capfd, words, message):
    assert cli.main(["clip", str(tmp_path / words[0]), *words[1:]]) == 2
    assert message in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
