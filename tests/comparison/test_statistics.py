"""The statistics against worked examples, other libraries, and simulations in which the truth is
known.
"""

import numpy as np
import pytest
from scipy import stats

from benchmarks.coverage import SEEDS, SPREADS, covers_grouped_claim, simulate
from dsbs.comparison.power import detectable
from dsbs.comparison.statistics import (
    Interval,
    SmallestFraction,
    checkpoint_test,
    holm,
    mean_over_seeds,
    method_test,
    smallest_fraction,
)


def test_mean_over_seeds_is_the_t_interval_of_scipy() -> None:
    values = [0.6219, 0.6328, 0.6301, 0.6255]
    found = mean_over_seeds(values)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (found.mean, found.standard_error) == (
        pytest.approx(np.mean(values)),
        pytest.approx(stats.sem(values)),
    )
    assert found.ci95_seeds == pytest.approx(tuple(expected))
    assert mean_over_seeds([0.5]) == (0.5, None, None)


def test_without_a_share_of_the_examples_a_method_test_is_the_paired_t_test() -> None:
    """Student's own data of 1908: sleep gained by ten patients under two drugs, in minutes;
    one example each.
    """
    dextro = 60 * np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    laevo = 60 * np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    claim = method_test(laevo[:, None], dextro[:, None])
    assert claim.difference == pytest.approx(60 * 1.58)
    assert claim.p == pytest.approx(
        0.002833, abs=1e-6
    )  # as printed since for t = 4.062 with 9 degrees of freedom
    expected = stats.ttest_rel(laevo, dextro).confidence_interval(0.95)
    assert claim.ci95_seeds_and_examples == pytest.approx(tuple(expected))
    assert claim.cohens_d == pytest.approx(60 * 1.58 / np.std(laevo - dextro, ddof=1))


def test_the_variance_is_that_of_a_two_way_analysis_of_variance() -> None:
    """Mean squares of statsmodels on the same small table of differences."""
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    rng = np.random.default_rng(5)
    first, second = rng.random((4, 30)) < np.linspace(0.2, 1, 30), rng.random((4, 30)) < 0.5
    difference = first.astype(float) - second
    seed, example = (grid.ravel() for grid in np.indices(difference.shape))
    frame = pd.DataFrame({"y": difference.ravel(), "seed": seed, "example": example})
    squares = anova_lm(ols("y ~ C(seed) + C(example)", frame).fit())["mean_sq"]
    assert squares["C(example)"] > squares["Residual"]  # else the examples would add nothing
    variance = (squares["C(seed)"] + squares["C(example)"] - squares["Residual"]) / difference.size
    half = stats.t.ppf(0.975, 3) * variance**0.5
    claim = method_test(first, second)
    assert claim.ci95_seeds_and_examples == pytest.approx(
        (difference.mean() - half, difference.mean() + half)
    )


def test_verdicts_that_never_differ_leave_an_interval() -> None:
    right, wrong = np.ones((3, 100), dtype=bool), np.zeros((3, 100), dtype=bool)
    with pytest.raises(ValueError, match="2 seeds; a claim about methods needs 3"):
        method_test(right[:2], wrong[:2])
    alike = method_test(right, right)
    assert (alike.difference, alike.p) == (0.0, 1.0)
    low, high = alike.ci95_seeds_and_examples
    assert low == -high
    assert 0.01 < high < 0.1
    apart = method_test(right, wrong)
    assert apart.difference == 1.0
    assert 0 < apart.p < 0.01
    # Each seed is better on an example of its own, so the seeds' differences do not vary at all.
    one_each = method_test(right, right & ~np.eye(3, 100, dtype=bool))
    assert one_each.difference == pytest.approx(0.01)
    assert one_each.p > 0.05


def test_seeds_that_score_the_same_have_no_interval_over_seeds() -> None:
    assert mean_over_seeds([1.0, 1.0, 1.0]) == (1.0, None, None)
    assert mean_over_seeds([0.0, 0.0]) == (0.0, None, None)


def test_copies_of_rows_are_no_evidence() -> None:
    rng = np.random.default_rng(4)
    first, second = rng.random((4, 40)) < 0.7, rng.random((4, 40)) < 0.6
    alone = method_test(first, second, rng.permutation(40))
    # Every row five times over is the same evidence, with the groups.
    copies = [np.repeat(side, 5, axis=1) for side in (first, second)]
    grouped = method_test(*copies, np.repeat(np.arange(40), 5))
    assert grouped.ci95_seeds_and_examples == pytest.approx(alone.ci95_seeds_and_examples)
    with pytest.raises(ValueError, match="one group"):
        method_test(first, second, np.zeros(40, dtype=int))


def test_a_test_of_two_checkpoints_over_groups_is_that_of_durkalski() -> None:
    first = np.array([1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1], dtype=bool)
    second = np.array([0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1], dtype=bool)
    groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    sums = np.array([2, 0, 1, 1])  # by hand
    found = checkpoint_test(first, second, groups)
    statistic = sums.sum() / (sums**2).sum() ** 0.5
    assert (found.only_first, found.only_second) == (5, 1)
    assert found.p == pytest.approx(2 * stats.t.sf(statistic, 3))
    assert checkpoint_test(first, first, groups).p == 1.0


def test_mcnemar_is_the_sign_test_of_the_examples_that_one_gets_right() -> None:
    first = np.array([True] * 8 + [False] * 2 + [True] * 50)
    second = np.array([False] * 8 + [True] * 2 + [True] * 50)
    claim = checkpoint_test(first, second)
    assert (claim.only_first, claim.only_second) == (8, 2)
    assert claim.p == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert checkpoint_test(first, first).p == 1.0


def test_holm_by_hand() -> None:
    """Holm 1979: the smallest of four counts four times, the next three times, and none below the
    one before.
    """
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@pytest.mark.parametrize("examples", [200, 1221])
def test_the_minimum_detectable_difference_is_found_four_times_of_five(examples: int) -> None:
    rng = np.random.default_rng(0)
    found = detectable(examples, accuracy=0.65, discordant=0.2)
    assert found.paired is not None
    assert found.unpaired is not None
    if examples == 200:
        assert found.paired > 0.02  # two points on SVAMP cannot be shown
        assert found.unpaired > found.paired
    up, down = (0.2 + found.paired) / 2, (0.2 - found.paired) / 2
    counts = rng.multinomial(examples, [up, down, 1 - up - down], size=2000)
    # The asymptotic test, which the formula approximates; the exact one is a little more careful.
    shown = np.abs(counts[:, 0] - counts[:, 1]) / np.sqrt(
        counts[:, 0] + counts[:, 1]
    ) > stats.norm.ppf(0.975)
    assert shown.mean() == pytest.approx(0.8, abs=0.03)
    one = rng.binomial(examples, 0.65, 2000) / examples
    other = rng.binomial(examples, 0.65 - found.unpaired, 2000) / examples
    pooled = (one + other) / 2
    z = np.abs(one - other) / np.sqrt(2 * pooled * (1 - pooled) / examples)
    assert (z > stats.norm.ppf(0.975)).mean() == pytest.approx(0.8, abs=0.03)


def test_a_test_set_too_small_detects_nothing() -> None:
    assert detectable(10, accuracy=0.9, discordant=0.2).paired is None


FRACTIONS = [0.25, 0.5, 0.75, 1.0]
LEARNED = [True] * 4


def test_the_smallest_fraction_has_a_range() -> None:
    intervals = [
        Interval(-0.06, -0.02),
        Interval(-0.03, 0.01),
        Interval(-0.01, 0.03),
        Interval(0.0, 0.04),
    ]
    differences = [-0.04, -0.01, 0.01, 0.02]
    found = smallest_fraction(FRACTIONS, differences, intervals, learned=LEARNED)
    assert found == SmallestFraction(estimate=0.75, possible=0.5, certain=1.0)
    closer = smallest_fraction(FRACTIONS, differences, intervals, learned=LEARNED, margin=0.03)
    assert closer == SmallestFraction(estimate=0.5, possible=0.25, certain=0.5)
    nowhere = smallest_fraction(FRACTIONS, [-0.1] * 4, [None] * 4, learned=LEARNED)
    assert nowhere == SmallestFraction(None, None, None)


def test_a_crossing_that_is_undone_later_does_not_count() -> None:
    """By luck it is as good at a quarter, by every measure, and then not again before the end."""
    intervals = [
        Interval(0.01, 0.05),
        Interval(-0.05, -0.01),
        Interval(-0.02, 0.02),
        Interval(0.0, 0.02),
    ]
    found = smallest_fraction(FRACTIONS, [0.03, -0.03, 0.0, 0.01], intervals, learned=LEARNED)
    assert found == SmallestFraction(estimate=0.75, possible=0.75, certain=1.0)
    undone = smallest_fraction(FRACTIONS, [0.03, 0.03, 0.03, -0.01], [None] * 4, learned=LEARNED)
    assert undone.estimate is None


def test_no_fraction_counts_at_which_students_did_not_learn() -> None:
    sure = [Interval(0.01, 0.02)] * 4
    learned = [False, False, True, True]
    found = smallest_fraction(FRACTIONS, [0.0] * 4, sure, learned=learned)
    assert found == SmallestFraction(0.75, 0.75, 0.75)
    nobody = smallest_fraction(FRACTIONS, [0.0] * 4, sure, learned=[False] * 4)
    assert nobody == SmallestFraction(None, None, None)


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("suits", [0.0, 0.5])
def test_claims_about_methods_hold_what_they_promise(
    spread: float, seeds: int, suits: float
) -> None:
    """2,000 comparisons each: the interval covers a true difference of 3 points, and no difference
    is seldom claimed.
    """
    rng = np.random.default_rng([seeds, round(1000 * spread), round(10 * suits)])
    claim = method_test(*simulate(rng, seeds=seeds, spread=spread, difference=0.03, suits=suits))
    low, high = claim.ci95_seeds_and_examples
    assert np.mean((low <= 0.03) & (high >= 0.03)) >= 0.93
    null = method_test(*simulate(rng, seeds=seeds, spread=spread, suits=suits))
    assert np.mean(null.p < 0.05) <= 0.06


@pytest.mark.parametrize("spread", SPREADS)
def test_intervals_over_seeds_cover_the_mean_of_other_seeds_on_the_same_examples(
    spread: float,
) -> None:
    """Without an example's share in the verdicts, the test set is all alike and the true mean is
    known.
    """
    rng = np.random.default_rng(3)
    verdicts, _ = simulate(rng, seeds=4, spread=spread, hard=0.0, suits=0.0)
    intervals = [
        mean_over_seeds(list(accuracies)).ci95_seeds for accuracies in verdicts.mean(axis=-1)
    ]
    assert np.mean([i is not None and i.low <= 0.62 <= i.high for i in intervals]) >= 0.93


def test_mcnemar_on_one_pair_of_seeds_is_no_claim_about_methods() -> None:
    """Why the two kinds of claim are kept apart: no true difference, and it finds one again and
    again.
    """
    wrong = []
    for spread in SPREADS:
        first, second = simulate(
            np.random.default_rng(1), seeds=1, spread=spread, suits=0.0, examples=1000, times=300
        )
        wrong.append(
            np.mean(
                [checkpoint_test(a[0], b[0]).p < 0.05 for a, b in zip(first, second, strict=True)]
            )
        )
    assert wrong[0] < 0.1 < wrong[1] < 0.5 < wrong[2]


@pytest.mark.parametrize("suits", [0.33, 1.0])
def test_claims_on_rows_that_share_groups_hold(suits: float) -> None:
    """No true difference, and groups of ten rows that suit one method or the other."""
    rng = np.random.default_rng(8)
    ours, independent = covers_grouped_claim(rng, groups=50, suits=suits, seeds=5, times=600)
    assert 0.92 <= ours <= 0.98
    if suits == 1.0:
        assert independent < 0.8  # why
