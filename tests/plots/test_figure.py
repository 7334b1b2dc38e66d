"""Axes: every logarithmic one has round ticks, few of them, inside."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.plots.figure import Figure, Series, log_axis


@pytest.mark.parametrize(("values", "labels"), [
    ((77e6, 783e6), ["10⁸", "2·10⁸", "5·10⁸", "10⁹"]), ((0.2, 3), ["0.2", "0.5", "1", "2"]),
    ((1e12, 1e17), ["10¹²", "10¹³", "10¹⁴", "10¹⁵", "10¹⁶", "10¹⁷"]),
    ((3.3e5, 3.3e5), ["2.5·10⁵", "3·10⁵", "4·10⁵"]), ((4000, 4000), ["3,000", "4,000", "5,000"]),
    ((1e-6, 1e13), ["10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10⁴", "10⁶", "10⁸", "10¹⁰", "10¹²"])])  # fmt: skip
def test_ticks_are_few_and_round(values: tuple[float, float], labels: list[str]) -> None:
    figure = Figure("f", "F", "x", "y", [Series("s", values, (1, 2))], log_x=True)
    assert [label for _, label in figure.log_axis.ticks] == labels


def test_every_axis_has_two_to_ten_ticks_inside() -> None:
    """One value, and pairs up to 19 decades apart, from 1e-6 to 1e13."""
    rng = np.random.default_rng(0)
    alone = 10 ** np.linspace(-6, 13, 20_000)
    near = 10 ** rng.uniform(-6, 13, 5_000)
    pairs = zip(near, near * 10 ** rng.uniform(0, 1, 5_000), strict=True)
    far = 10 ** rng.uniform(-6, 13, (5_000, 2))
    for values in [*([value] for value in alone), *pairs, *far]:
        low, high, ticks = log_axis(values)
        assert 2 <= len(ticks) <= 10, values
        assert all(low < place < high for place, _ in ticks)
        assert low < min(values) <= max(values) < high
        assert len({label for _, label in ticks}) == len(ticks)


def test_an_axis_without_a_place_for_its_values_is_drawn_too() -> None:
    low, high, ticks = log_axis([0.0, -1.0])
    assert math.sqrt(low * high) == pytest.approx(1)
    assert len(ticks) >= 2


def test_marks_lie_inside_the_axis() -> None:
    figure = Figure("f", "F", "x", "y", [Series("s", (1, 2), (1, 2))], log_x=True, marks={"m": 1e6})
    assert figure.log_axis.high > 1e6


@given(
    values=st.lists(
        st.floats(-6, 13, allow_subnormal=False).map(lambda power: 10.0**power),
        min_size=1,
        max_size=5,
    )
)
def test_any_axis_has_ticks_inside_that_differ(values: list[float]) -> None:
    low, high, ticks = log_axis(values)
    assert 2 <= len(ticks) <= 10
    assert all(low <= place <= high for place, _ in ticks)
    assert [place for place, _ in ticks] == sorted({place for place, _ in ticks})
    assert len({label for _, label in ticks}) == len(ticks)


@given(
    values=st.lists(
        st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=False), max_size=5
    )
)
def test_an_axis_of_any_numbers_is_drawn(values: list[float]) -> None:
    low, high, ticks = log_axis(values)
    assert 0 < low < high < math.inf
    assert len(ticks) >= 2
