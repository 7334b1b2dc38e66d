"""The bound: what passes, that ties are whole, and that the promise is kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsbs.contracts.bound import (
    fewest_rows,
    find_threshold,
    most_different,
    rows_needed,
    two_sided,
    upper_limit,
)

LEVEL = 0.05


def test_149_rows_without_a_difference_are_enough_for_2_percent() -> None:
    assert fewest_rows(0.02, LEVEL) == 149
    assert most_different(149, 0.02, LEVEL) == 0
    assert most_different(148, 0.02, LEVEL) == -1


@pytest.mark.parametrize(("classes", "rows"), [(3, 203), (10, 263), (77, 364)])
def test_each_class_needs_more_where_there_are_more(classes: int, rows: int) -> None:
    assert fewest_rows(0.02, LEVEL / classes) == rows


def test_the_threshold_stands_just_above_the_first_difference_too_many() -> None:
    scores = np.linspace(1, 0, 500)
    different = np.zeros(500, bool)
    allowed = most_different(500, 0.02, LEVEL)
    different[400 : 400 + allowed + 1] = True
    found = find_threshold(scores, different, budget=0.02, level=LEVEL)
    assert found.local == 400 + allowed
    assert found.score == scores[399 + allowed]
    assert found.different == allowed


def test_ties_are_taken_whole() -> None:
    scores = np.repeat([0.9, 0.5], 250)
    different = np.zeros(500, bool)
    different[250:300] = True
    found = find_threshold(scores, different, budget=0.02, level=LEVEL)
    assert (found.score, found.local, found.different) == (0.9, 250, 0)
    different[0:50] = True
    assert find_threshold(scores, different, budget=0.02, level=LEVEL).score is None


@given(
    st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=300),
    st.sampled_from([0.02, 0.1, 0.4]),
)
def test_what_is_found_passes_and_the_next_score_does_not(
    rows: list[tuple[int, bool]], budget: float
) -> None:
    scores = np.array([score / 20 for score, _ in rows])
    different = np.array([one for _, one in rows], bool)
    found = find_threshold(scores, different, budget=budget, level=LEVEL)
    allowed = most_different(len(rows), budget, LEVEL)
    passing = [s for s in set(scores) if (different & (scores >= s)).sum() <= allowed]
    assert found.score == min(passing, default=None)
    if found.score is not None:
        assert found.local == (scores >= found.score).sum()
        assert upper_limit(found.different, len(rows), LEVEL) <= budget + 1e-9


def test_a_promise_is_broken_no_more_often_than_it_may() -> None:
    """Scores that say nothing, a true rate of three budgets: any threshold above a third breaks."""
    random = np.random.default_rng(0)
    broken = 0
    for _ in range(400):
        scores = random.random(300)
        different = random.random(300) < 0.06
        found = find_threshold(scores, different, budget=0.02, level=LEVEL)
        share = 0.0 if found.score is None else 1 - found.score
        broken += 0.06 * share > 0.02
    assert broken / 400 <= LEVEL + 2.33 * np.sqrt(LEVEL * (1 - LEVEL) / 400)


def test_needed_rows_rise_with_the_rate_and_end_at_the_budget() -> None:
    rates = (0.0, 0.005, 0.01, 0.015)
    needed = [rows_needed(rate, budget=0.02, level=LEVEL) or 0 for rate in rates]
    assert needed[0] == 149
    assert needed == sorted(set(needed))
    assert rows_needed(0.02, budget=0.02, level=LEVEL) is None


def test_limits_of_nothing_and_of_all() -> None:
    assert upper_limit(0, 149, LEVEL) == pytest.approx(0.0199, abs=1e-3)
    assert two_sided(0, 10, LEVEL).low == 0
    assert two_sided(10, 10, LEVEL).high == 1
