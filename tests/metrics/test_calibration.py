"""Calibration errors by hand and by simulation."""

import pytest

from dsbs.metrics.accuracy import interval
from dsbs.metrics.calibration import calibration


def test_calibration_by_hand() -> None:
    """Four answers at 0.8 of which three are right, and one at 0.6 that is wrong."""
    sure, unsure = {"yes": 0.8, "no": 0.2}, {"yes": 0.6, "no": 0.4}
    found = calibration(
        "class", [(sure, "yes"), (sure, "yes"), (sure, "yes"), (sure, "no"), (unsure, "no")]
    )
    assert found is not None
    assert found.ece == pytest.approx((4 * 0.05 + 0.6) / 5)
    assert found.brier == pytest.approx((3 * 0.08 + 1.28 + 0.72) / 5)
    assert [(part.n, part.accuracy) for part in found.bins] == [(1, 0.0), (4, 0.75)]
    assert calibration("class", []) is None


def test_calibrated_answers_have_a_small_error_and_overconfident_ones_do_not() -> None:
    import random

    rng = random.Random(0)
    drawn = [(p := rng.uniform(0.5, 1), "yes" if rng.random() < p else "no") for _ in range(4000)]
    honest = calibration("class", [({"yes": p, "no": 1 - p}, gold) for p, gold in drawn])
    boasting = calibration("class", [({"yes": 0.99, "no": 0.01}, gold) for _, gold in drawn])
    assert honest is not None
    assert boasting is not None
    assert honest.ece < 0.03 < 0.2 < boasting.ece
    low, high = interval(sum(gold == "yes" for _, gold in drawn), 4000)
    assert low < 0.99 - boasting.ece < high


def test_probabilities_of_one_meaning_are_one_probability() -> None:
    whole = calibration("equation", [({"12": 0.6, "13": 0.4}, "12")])
    written = {"12": 0.3, "12.0": 0.2, "13": 0.4, "( 7 + 5 )": 0.1}
    apart = calibration("equation", [(written, "( 36 / 3 )")])
    assert whole is not None
    assert apart is not None
    assert apart.brier == pytest.approx(whole.brier)
    assert apart.ece == pytest.approx(whole.ece)
