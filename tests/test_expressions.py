"""Laws of the samplers and of the schedule of pain scores."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pain3d.demographics import cell_of
from pain3d.expressions import (
    CONFOUNDS,
    DISTRACTORS,
    LEVELS,
    SAMPLERS,
    confound_name,
    distractor_name,
    pain_level,
    pain_vectors,
    pain_weights,
    plausible,
    sample_confound,
    sample_distractor,
    sample_pain,
)
from pain3d.facs import NON_PAIN_AUS, PAIN_AUS, pspi
from pain3d.streams import stream

LEVEL = st.integers(1, LEVELS)
SEED = st.integers(0, 10**6)


def unit_columns():
    return dict(zip(PAIN_AUS, pain_vectors().T, strict=True))


def test_all_vectors_once():
    assert pain_vectors().shape == (15_552, 6)
    assert len(np.unique(pain_vectors(), axis=0)) == 15_552


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_weights_are_on_the_level_and_sum_to_one(sampler, level):
    weights = pain_weights(sampler, level)
    assert weights.sum() == pytest.approx(1)
    assert (pspi(**unit_columns())[weights > 0] == level).all()


@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_uniform_covers_every_vector_of_the_level_alike(level):
    weights = pain_weights("uniform", level)
    on_level = pspi(**unit_columns()) == level
    assert np.array_equal(weights > 0, on_level)
    assert len(set(weights[on_level])) == 1


@pytest.mark.parametrize("level", range(1, LEVELS + 1))
def test_cooccurrence_falls_with_the_distance_of_au6_and_au7(level):
    weights, unit = pain_weights("cooccurrence", level), unit_columns()
    for closed in (0, 1):
        chosen = (weights > 0) & (unit["AU43"] == closed)
        scaled = weights[chosen] * np.exp(np.abs(unit["AU6"] - unit["AU7"])[chosen])
        assert np.ptp(scaled) < 1e-12 if chosen.any() else True


def test_cooccurrence_never_closes_the_eyes_alone_and_seldom_below_eight():
    unit = unit_columns()
    alone = (unit["AU43"] == 1) & (pain_vectors()[:, :5].sum(axis=1) == 0)
    assert pain_weights("cooccurrence", 1)[alone].item() == 0
    assert pain_weights("uniform", 1)[alone].item() > 0
    for level in range(1, 8):
        assert pain_weights("cooccurrence", level)[unit["AU43"] == 1].sum() <= 0.1 + 1e-12


@given(SEED, LEVEL, st.sampled_from(SAMPLERS))
def test_a_drawn_face_has_the_wanted_score(seed, level, sampler):
    expression = sample_pain(stream(seed), level, sampler=sampler, non_pain=0.5)
    assert expression.pspi == level
    assert all(value == round(value) for _, value in expression.items())
    joined = tuple(name for name in NON_PAIN_AUS if expression[name])
    assert len(joined) <= 3
    assert plausible((*joined, *(["AU43"] if expression["AU43"] else [])))


def test_draws_follow_the_weights():
    rng = stream(1)
    draws = Counter(sample_pain(rng, 2, sampler="uniform", non_pain=0) for _ in range(6000))
    possible = int((pain_weights("uniform", 2) > 0).sum())
    assert len(draws) == possible
    assert max(draws.values()) < 1.6 * 6000 / possible


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (0.5, 1000), (1.0, 2000)])
def test_share_of_joining_units(share, expected):
    rng = stream(2)
    faces = [sample_pain(rng, 1 + i % LEVELS, non_pain=share) for i in range(2000)]
    joined = [sum(face[name] > 0 for name in NON_PAIN_AUS) for face in faces]
    assert sum(count > 0 for count in joined) == pytest.approx(expected, abs=70)
    assert set(joined) <= {0, 1, 2, 3}


def test_implausible_sets():
    assert not plausible(("AU25", "AU26", "AU27"))
    assert not plausible(("AU27",))
    assert not plausible(("AU5", "AU43"))
    assert plausible(("AU25", "AU26"))


def test_every_non_pain_unit_joins_sometimes():
    rng = stream(3)
    faces = [sample_pain(rng, 8, non_pain=1.0) for _ in range(1500)]
    assert {name for face in faces for name in NON_PAIN_AUS if face[name]} == set(NON_PAIN_AUS)


@pytest.mark.parametrize("name", DISTRACTORS)
def test_distractors_move_no_unit_of_pain(name):
    rng = stream(4)
    faces = [sample_distractor(rng, name) for _ in range(100)]
    assert all(face.pspi == 0 and face == face.without_pain() and not face.is_neutral for face in faces)
    assert len(set(faces)) > 5, "intensities vary"
    assert all(plausible(tuple(unit for unit, value in face.items() if value)) for face in faces)


@pytest.mark.parametrize("name", CONFOUNDS)
def test_confounds_score_by_the_formula(name):
    rng = stream(5)
    faces = [sample_confound(rng, name) for _ in range(100)]
    assert all(face.pspi > 0 for face in faces)
    assert len(set(faces)) > 5


def test_no_two_distractors_or_confounds_are_one():
    units = [frozenset(table) for table in (*DISTRACTORS.values(), *CONFOUNDS.values())]
    assert all(a != b for a, b in combinations(units, 2))


@pytest.mark.parametrize("expressions", [1, 2, 3, 4, 5, 8, 10, 13, 16, 17, 24, 33])
def test_schedule_of_scores(expressions):
    subjects = 400
    counts = Counter(dict.fromkeys(range(1, LEVELS + 1), 0))
    cells: dict[object, Counter[int]] = {}
    for subject in range(subjects):
        levels = [pain_level(subject, i, expressions=expressions, seed=9) for i in range(1, expressions + 1)]
        assert len(set(levels)) == min(expressions, LEVELS)
        counts.update(levels)
        assert max(counts.values()) - min(counts.values()) <= 1, "for any number of subjects"
        cells.setdefault(cell_of(subject), Counter(dict.fromkeys(range(1, LEVELS + 1), 0))).update(levels)
    spread = max(max(cell.values()) - min(cell.values()) for cell in cells.values())
    assert spread <= 4


def test_scores_are_even_in_every_cell_of_the_paper_s_2500():
    cells: dict[object, Counter[int]] = {}
    for subject in range(2500):
        own = cells.setdefault(cell_of(subject), Counter())
        own.update(pain_level(subject, i, expressions=10, seed=0) for i in range(1, 11))
    assert all(30 <= cell[level] <= 33 for cell in cells.values() for level in range(1, LEVELS + 1))


def test_no_expression_id_favours_a_score():
    counts = Counter(pain_level(subject, 1, expressions=10, seed=0) for subject in range(3200))
    assert min(counts.values()) > 140 and max(counts.values()) < 260


@given(SEED, st.integers(0, 10**4))
def test_seeds_move_the_schedule_but_not_its_laws(seed, subject):
    levels = [pain_level(subject, i, expressions=16, seed=seed) for i in range(1, 17)]
    assert sorted(levels) == list(range(1, 17))


@pytest.mark.parametrize(("named", "table"), [(distractor_name, DISTRACTORS), (confound_name, CONFOUNDS)])
def test_named_faces_are_spread(named, table):
    key = "distractors" if named is distractor_name else "confounds"
    counts = Counter(named(subject, slot, seed=0, **{key: 2}) for subject in range(100) for slot in range(2))
    assert set(counts) == set(table)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert all(named(s, 0, seed=0, **{key: 2}) != named(s, 1, seed=0, **{key: 2}) for s in range(50))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pain_weights("normal", 3), "sampler: 'normal' is unknown; choose one of cooccurrence, uniform"),
        (lambda: pain_weights("uniform", 0), "level: 0 is outside 1..16; PSPI 0 is the neutral face"),
        (
            lambda: sample_distractor(stream(0), "sneeze"),
            f"distractor: 'sneeze' is unknown; choose one of {', '.join(DISTRACTORS)}",
        ),
        (lambda: sample_confound(stream(0), "x"), "confound: 'x' is unknown; choose one of duchenne_smile, disgust"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value) == message
