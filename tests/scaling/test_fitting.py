"""Fits of the laws to simulated runs, and their intervals."""

from types import ModuleType

import numpy as np
import pytest

from dsbs.scaling.fitting import fit, interval
from dsbs.scaling.forms import DISTILLATION, SUPERVISED


@pytest.mark.slow
def test_intervals_of_refitted_laws_hold_the_law_at_their_rate(
    planner_benchmark: ModuleType,
) -> None:
    """Nominal 90 %; percentiles of resampled runs alone hold 75 % of these points of the
    distillation law.
    """
    for found in planner_benchmark.law_coverage(20, samples=60).values():
        assert found.between >= 0.85
        assert 0 < found.error < 0.1
        assert found.missed < 0.012


def test_an_interval_takes_the_outer_of_percentiles_and_their_mirror_image() -> None:
    samples = np.linspace(0, 1, 101)
    assert interval(0.5, samples) == pytest.approx((0.05, 0.5, 0.95))
    assert interval(0.2, samples) == pytest.approx((-0.55, 0.2, 0.95))
    assert interval(np.inf, np.append(samples, [np.inf] * 99)) == (0.1, np.inf, np.inf)
    assert interval(0.2, np.append(samples, [np.inf] * 99)) == pytest.approx((0.1, 0.2, np.inf))


@pytest.mark.parametrize("name", ["supervised", "distillation"])
def test_refitting_simulated_runs_predicts_points_that_were_left_out(
    planner_benchmark: ModuleType, name: str
) -> None:
    simulate = {
        "supervised": planner_benchmark.simulated_supervised,
        "distillation": planner_benchmark.simulated_distillation,
    }
    form = {"supervised": SUPERVISED, "distillation": DISTILLATION}[name]
    points, truth = planner_benchmark.held_out_points(name)
    x, loss = simulate[name](np.random.default_rng(1), noise=0.01)
    assert fit(form, x, loss, samples=0).value(points) == pytest.approx(truth, rel=0.01)
