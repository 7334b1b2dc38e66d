"""Learning curves fitted to simulated runs."""

import math
from types import ModuleType

import numpy as np
import pytest

from dsbs.core.errors import InputError
from dsbs.scaling.learning_curves import (
    accuracy_at,
    backtest,
    fit_curve,
    rows_for,
)
from support.planner import simulated_curve as curve


def test_a_curve_without_noise_is_found_again() -> None:
    fitted = fit_curve(curve(np.random.default_rng(0), noise=0.0), samples=20)
    assert fitted.coefficients()["beta"].value == pytest.approx(0.5, rel=1e-3)
    assert accuracy_at(fitted, np.array([8000.0])).value == pytest.approx(
        1 - 0.15 - 6 / 8000**0.5, abs=1e-5
    )
    assert rows_for(fitted, 0.75).value == pytest.approx(3600, rel=1e-3)
    assert rows_for(fitted, 0.9).value == math.inf  # above 1 - floor


def test_half_of_a_curve_foretells_the_rest() -> None:
    measured = curve(np.random.default_rng(1))
    large = measured.sizes[-2:]
    predicted = accuracy_at(fit_curve(measured.without(large), samples=20), large)
    assert predicted.value == pytest.approx([measured.mean(size) for size in large], abs=0.03)
    tested = backtest(measured)
    assert tested is not None
    assert tested.trusted
    assert tested.rows == 4000


def test_few_fractions_bear_no_curve() -> None:
    measured = curve(np.random.default_rng(0))
    with pytest.raises(InputError, match="got 3 fractions; expected 4 or more"):
        fit_curve(measured.without(measured.sizes[:4]))


@pytest.mark.slow
def test_intervals_hold_the_truth_at_their_rate(planner_benchmark: ModuleType) -> None:
    """Nominal 90 %; twenty repeats at one place come below 14 once in fifty thousand times if it is
    met.
    """
    inside, missed = planner_benchmark.curve_coverage(20, samples=60)[1.0]
    assert 20 * inside >= 14
    assert missed < 0.012
