"""Intervals of a share against scipy and statsmodels, and by simulation with known truth."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks.coverage import covers_share
from dsbs.metrics.accuracy import interval
from dsbs.metrics.intervals import (
    GroupedVerdicts,
    clustered,
    effective_number,
    units_interval,
)


@pytest.mark.parametrize(("right", "rows"), [(0, 5), (5, 5), (1, 3), (130, 200), (1, 1)])
def test_the_interval_of_independent_rows_is_that_of_scipy(right: int, rows: int) -> None:
    expected = stats.binomtest(right, rows).proportion_ci(0.95, method="wilsoncc")
    assert interval(right, rows) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("rows", [1, 2, 5, 10, 30, 60, 99])
def test_few_rows_are_covered_whatever_the_accuracy(rows: int) -> None:
    """Exactly, without a simulation: over all that can be observed, and accuracies at the ends of
    intervals, where coverage is lowest.
    """
    right = np.arange(rows + 1)
    low, high = interval(right, rows)
    truths = np.concatenate([np.linspace(0.001, 0.999, 300), low + 1e-9, high - 1e-9])
    for truth in truths[(truths > 0) & (truths < 1)]:
        covered = stats.binom.pmf(right, rows, truth) @ ((low <= truth) & (truth <= high))
        assert covered >= 0.94


def test_the_variance_over_units_of_one_size_is_that_of_statsmodels() -> None:
    from statsmodels.regression.linear_model import OLS

    rng = np.random.default_rng(2)
    right = rng.binomial(10, rng.beta(3, 2, 40))
    verdicts = np.concatenate([np.arange(10) < count for count in right]).astype(float)
    groups = np.repeat(np.arange(40), 10)
    fitted = OLS(verdicts, np.ones(400)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "use_correction": False}
    )
    variance = float(fitted.cov_params()[0, 0]) * 40 / 39
    share = right.sum() / 400
    independent = share * (1 - share) / variance
    quantile = stats.t.ppf(0.975, 39)
    middle = (share + quantile**2 / (2 * independent)) / (1 + quantile**2 / independent)
    low, high = clustered(right.astype(float), np.full(40, 10.0))
    assert (low + high) / 2 == pytest.approx(middle)


@pytest.mark.parametrize("groups", [20, 200])
@pytest.mark.parametrize("accuracy", [0.5, 0.8])
@pytest.mark.parametrize("correlation", [0.1, 0.5])
def test_rows_that_share_a_group_are_covered(
    groups: int, accuracy: float, correlation: float
) -> None:
    rng = np.random.default_rng([groups, round(10 * accuracy), round(10 * correlation)])
    found = covers_share(rng, np.full(groups, 10), accuracy, correlation, times=1000)
    assert 0.93 <= found.ours <= 0.975
    # Why: rows counted as independent.
    assert found.independent < (0.9 if correlation == 0.1 else 0.7)


@pytest.mark.parametrize("accuracy", [0.5, 0.9, 0.97])
@pytest.mark.parametrize("sizes", [np.full(3, 10), np.full(8, 4), np.arange(1, 31)])
def test_few_or_unlike_groups_are_covered_too(accuracy: float, sizes: NDArray[np.int64]) -> None:
    rng = np.random.default_rng(5)
    for correlation in (0.1, 0.5, 0.9):
        assert covers_share(rng, sizes, accuracy, correlation, times=500).ours >= 0.9


def test_an_interval_is_withheld_where_it_would_not_hold() -> None:
    assert units_interval(np.array([5]), np.array([9])).withheld == "all rows are of one group"
    found = units_interval(np.array([150, *[1] * 40]), np.array([200, *[1] * 40]))
    assert found.interval is None
    assert found.withheld == "41 groups of very unlike size count as 1.4 of like size"


@pytest.mark.parametrize("right", [0, 10])
def test_groups_that_are_all_right_or_all_wrong_count_as_one_row_each(right: int) -> None:
    found = units_interval(np.full(20, right), np.full(20, 10))
    assert found.interval == pytest.approx(interval(2 * right, 20))


def test_the_effective_number_of_groups_of_one_size_is_their_number() -> None:
    assert effective_number(np.full(7, 3)) == pytest.approx(7)
    assert effective_number(np.array([3, 1])) == pytest.approx(16 / 10)


def test_verdicts_are_counted_by_group_as_they_pass() -> None:
    rng = np.random.default_rng(6)
    right = rng.random((30, 4)) < 0.7
    alone = GroupedVerdicts()
    grouped = GroupedVerdicts()
    mixed = GroupedVerdicts()
    for number, of_group in enumerate(right):
        for verdict in of_group:
            alone.add(bool(verdict), None)
            grouped.add(bool(verdict), str(number))
            mixed.add(bool(verdict), str(number) if number else None)
    assert alone.over_examples().interval == interval(right.sum(), 120)
    expected = units_interval(right.sum(axis=1), np.full(30, 4)).interval
    assert grouped.over_examples().interval == pytest.approx(expected)
    # Four rows without a group are four groups, and not one.
    sizes = np.array([1, 1, 1, 1, *[4] * 29])
    apart = units_interval(np.array([*right[0], *right[1:].sum(axis=1)]), sizes).interval
    assert mixed.over_examples().interval == pytest.approx(apart)
    assert GroupedVerdicts().over_examples().interval is None
