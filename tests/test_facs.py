"""Laws of Action Units and PSPI."""

import math
import pickle
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pain3d.facs import AU_NAMES, NON_PAIN_AUS, PAIN_AUS, Expression, pspi, pspi_of_vectors

INTENSITIES = st.fixed_dictionaries(
    {name: st.floats(0, 5) if name != "AU43" else st.sampled_from([0.0, 1.0]) for name in AU_NAMES}
)


@pytest.mark.parametrize(
    ("units", "score"),
    [
        # Examples that the 3DPain paper prints: AU4, 6, 7, 9, 10, 43 -> PSPI.
        ((4, 2, 4, 3, 1, 1), 12),
        ((4, 5, 5, 0, 5, 0), 14),
        ((5, 3, 4, 1, 3, 0), 12),
        ((0, 3, 3, 0, 0, 1), 4),
        ((0, 0, 0, 0, 0, 0), 0),
        ((5, 5, 5, 5, 5, 1), 16),
    ],
)
def test_pspi_of_published_examples(units, score):
    assert pspi(**dict(zip(PAIN_AUS, units, strict=True))) == score
    assert Expression(**dict(zip(PAIN_AUS, units, strict=True))).pspi == score


def test_pspi_of_every_integer_vector():
    vectors = np.array(list(product(*([range(6)] * 5), range(2))))
    got = pspi(**dict(zip(PAIN_AUS, vectors.T, strict=True)))
    expected = [a + max(b, c) + max(d, e) + f for a, b, c, d, e, f in vectors.tolist()]
    assert got.tolist() == expected


def test_pspi_passes_nan_on():
    assert math.isnan(pspi(AU4=math.nan, AU6=0, AU7=0, AU9=0, AU10=0, AU43=0))
    assert math.isnan(pspi(AU4=0, AU6=math.nan, AU7=5, AU9=0, AU10=0, AU43=0))


@given(INTENSITIES)
def test_expression_holds_what_it_was_given(intensities):
    expression = Expression(**intensities)
    assert dict(expression.items()) == intensities
    assert Expression.from_vector(expression.vector) == expression
    assert pickle.loads(pickle.dumps(expression)) == expression  # noqa: S301  made one line above
    assert hash(Expression(**intensities)) == hash(expression)
    assert pspi_of_vectors(expression.vector) == expression.pspi
    assert 0 <= expression.pspi <= 16


@given(INTENSITIES)
def test_without_pain_keeps_the_rest(intensities):
    rest = Expression(**intensities).without_pain()
    assert rest.pspi == 0
    assert all(rest[name] == 0 for name in PAIN_AUS)
    assert all(rest[name] == intensities[name] for name in NON_PAIN_AUS)
    assert rest.without_pain() == rest


@given(INTENSITIES, st.sampled_from(AU_NAMES))
def test_only_and_replace(intensities, name):
    expression = Expression(**intensities)
    alone = expression.only(name)
    assert [unit for unit, value in alone.items() if value and unit != name] == []
    assert alone[name] == intensities[name]
    assert expression.replace(**{name: 1})[name] == 1


@pytest.mark.parametrize("text", ["AU4=3,AU6=2", "AU4=3 AU6=2", "au4=3, au6=2"])
def test_parse(text):
    assert Expression.parse(text) == Expression(AU4=3, AU6=2)


def test_parse_of_nothing_is_neutral():
    assert Expression.parse("").is_neutral


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Expression(AU3=1), f"AU3: unknown Action Unit; pain3d knows {', '.join(AU_NAMES)}"),
        (lambda: Expression(AU4=5.5), "AU4: intensity 5.5 is outside 0..5; FACS levels A..E are 1..5, 0 is absent"),
        (lambda: Expression(AU4=-1), "AU4: intensity -1 is outside 0..5; FACS levels A..E are 1..5, 0 is absent"),
        (lambda: Expression(AU4=math.nan), "AU4: intensity is NaN; give a number from 0 to 5 (0 is absent)"),
        (
            lambda: Expression(AU43=0.5),
            "AU43: intensity 0.5 is neither 0 nor 1; FACS codes eye closure as absent or present",
        ),
        (
            lambda: Expression.parse("AU4"),
            "expression: 'AU4' is not AU=INTENSITY; write for example 'AU4=3,AU6=2,AU43=1'",
        ),
    ],
)
def test_errors_name_unit_value_rule_and_way_out(make, message):
    with pytest.raises(ValueError) as caught:
        make()
    assert str(caught.value) == message


def test_expressions_are_immutable():
    expression = Expression(AU4=1)
    with pytest.raises(AttributeError, match=r"make a new one with \.replace\(AU4=\.\.\.\)"):
        expression.AU4 = 2
    assert repr(expression) == "Expression(AU4=1)"
