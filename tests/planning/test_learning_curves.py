"""Learning curves fitted to simulated runs."""

import math
from types import ModuleType

import numpy as np
import pytest

from dsbs.core.errors import InputError
from dsbs.planning.learning_curves import (
    Curve,
    accuracy_at,
    backtest,
    compare_growth,
    fit_curve,
    rows_for,
)


def curve(
    rng: np.random.Generator,
    *,
    noise: float = 0.01,
    student: str = "one",
    params: float | None = None,
) -> Curve:
    """Seven fractions of 4,000 rows, three seeds: error = 0.15 + 6 / rows^0.5, larger students less."""
    rows = np.repeat(4000 * np.array([0.1, 0.15, 0.25, 0.4, 0.55, 0.75, 1.0]), 3)
    error = 0.15 + 6 / rows**0.5 + (0 if params is None else 20 / params**0.5)
    accuracy = 1 - error + noise * rng.standard_normal(len(rows))
    return Curve(student, "standard", "gold", params, rows, accuracy, 8000.0)


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
    foretold = accuracy_at(fit_curve(measured.without(large), samples=20), large)
    assert foretold.value == pytest.approx([measured.mean(size) for size in large], abs=0.03)
    tested = backtest(measured)
    assert tested is not None
    assert tested.trusted
    assert tested.rows == 4000


def test_few_fractions_bear_no_curve() -> None:
    measured = curve(np.random.default_rng(0))
    with pytest.raises(InputError, match="got 3 fractions; expected 4 or more"):
        fit_curve(measured.without(measured.sizes[:4]))


def test_growth_tells_what_pays_only_where_it_is_clear() -> None:
    rng = np.random.default_rng(0)
    sizes = [curve(rng, student=str(p), params=p, noise=0.002) for p in (1e4, 4e4, 1.6e5)]
    told = compare_growth(sizes, samples=40)
    assert (
        told["pays_more"] == "bigger student"
        if told["difference"]["low"] > 0
        else told["pays_more"] != "bigger student"
    )
    truth = {
        "more_data": 6 / 4000**0.5 - 6 / 8000**0.5,
        "bigger_student": 20 / 1.6e5**0.5 - 20 / 3.2e5**0.5,
    }
    for what, gain in truth.items():
        assert told[what]["gain"]["low"] - 0.01 < gain < told[what]["gain"]["high"] + 0.01
    assert "1 student size " in compare_growth(sizes[:1])["refused"]


@pytest.mark.slow
def test_intervals_hold_the_truth_at_their_rate(planner_benchmark: ModuleType) -> None:
    """Nominal 90 %; twenty repeats at one place come below 14 once in fifty thousand times if it is met."""
    inside, missed = planner_benchmark.curve_coverage(20, samples=60)[1.0]
    assert 20 * inside >= 14
    assert missed < 0.012
