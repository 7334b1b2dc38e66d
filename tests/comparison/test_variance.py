"""What more rows or more seeds would bring."""

import numpy as np
import pytest

from dsbs.comparison.statistics import method_test
from dsbs.comparison.variance import needed, variance


def differences(seeds: int, examples: int, *, of_seed: float, of_example: float) -> np.ndarray:
    """Differences whose parts are known: one of the seed, one of the example, and noise."""
    draw = np.random.default_rng(3)
    seed = draw.normal(0, of_seed, (seeds, 1))
    example = draw.normal(0, of_example, (1, examples))
    return seed + example + draw.normal(0, 0.3, (seeds, examples))


def test_the_parts_are_those_that_were_put_in() -> None:
    found = variance(differences(400, 400, of_seed=0.05, of_example=0.2))
    assert float(found.seed) == pytest.approx(0.05**2, rel=0.2)
    assert float(found.example) == pytest.approx(0.2**2, rel=0.2)
    assert float(found.residual) == pytest.approx(0.3**2, rel=0.05)


@pytest.mark.parametrize("level", [0.95, 0.98])
def test_so_many_rows_and_so_many_seeds_give_that_width(level: float) -> None:
    """With data of the same spread, the interval is as wide as was wanted."""
    few = differences(5, 300, of_seed=0.005, of_example=0.3)
    low, high = method_test(few, np.zeros_like(few), level=level).ci95_seeds_and_examples
    half = float(high - low) / 2
    found = needed(few, half / 1.5, level)
    assert found.rows is not None
    assert 300 * 1.5**2 <= found.rows < 300 * 1.5**2 * 2
    same = needed(few, half, level)
    assert same.rows == pytest.approx(300, rel=0.02)
    assert found.seeds is None or found.seeds > 5


def test_rows_cannot_make_up_for_seeds_that_differ() -> None:
    found = needed(differences(3, 1000, of_seed=0.1, of_example=0.0), 0.02, 0.95)
    assert found.rows is None
    assert found.seeds is not None
    assert found.seeds > 50


def test_a_higher_level_gives_a_wider_interval() -> None:
    found = differences(4, 50, of_seed=0.02, of_example=0.1)
    ends = [method_test(found, 0 * found, level=level)[1] for level in (0.95, 0.99)]
    assert ends[1].low < ends[0].low < ends[0].high < ends[1].high
