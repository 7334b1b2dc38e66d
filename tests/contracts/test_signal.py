"""What a rationale adds to the score: nothing where it says nothing."""

import numpy as np
import pytest

from dsbs.contracts.bound import Verdicts
from dsbs.contracts.signal import Floats, auroc, enough, weigh_rationale


def made(informative: bool) -> tuple[Floats, Floats, Verdicts]:
    random = np.random.default_rng(0)
    log_odds = random.normal(1, 1, 600)
    same = random.random(600) < 1 / (1 + np.exp(-log_odds))
    stances = np.where(same, 1.0, -1.0) if informative else random.choice([-1.0, 1.0], 600)
    noise = random.random(600) < 0.2
    return log_odds, np.where(noise, -stances, stances), same


def test_a_rationale_that_knows_more_becomes_part_of_the_score() -> None:
    found = weigh_rationale(*made(informative=True))
    assert found.signal.used
    assert found.weight > 0
    assert found.signal.gain_ci95[0] > 0.02


def test_a_rationale_that_says_nothing_is_left_out() -> None:
    found = weigh_rationale(*made(informative=False))
    assert not found.signal.used
    assert found.weight == 0
    assert found.signal.gain < 0.02


def test_auroc_counts_ties_half() -> None:
    same = np.array([True, True, False, False])
    assert auroc(np.array([2.0, 1.0, 1.0, 0.0]), same) == pytest.approx(0.875)
    assert not enough(same)
