"""The smallest difference between two checkpoints that a test set shows."""

from typing import NamedTuple

import numpy as np


class SmallestDifferences(NamedTuple):
    """The smallest differences that a test set shows; None if even the largest would be missed."""

    paired: float | None
    """Both checkpoints answer the same examples."""
    unpaired: float | None
    """Each answers examples of its own."""


def smallest_differences(
    examples: int, *, accuracy: float, discordant: float, power: float = 0.8
) -> SmallestDifferences:
    """The smallest differences between two checkpoints that a test set of this size shows.

    Tests are two-sided at 5 %. Between methods a difference has to be larger, since seeds differ.

    Args:
        examples: Size of the test set.
        accuracy: Accuracy of one checkpoint; in the unpaired case the other is nearer to 50 %.
        discordant: Share of examples that only one of two checkpoints answers correctly. The paired
            case is the normal approximation to McNemar's test (Connor 1987).
        power: Probability with which the difference is to be found.
    """
    return SmallestDifferences(
        _smallest_paired(examples, discordant, power),
        _smallest_unpaired(examples, accuracy, power),
    )


def _smallest_paired(examples: int, discordant: float, power: float) -> float | None:
    from scipy.optimize import brentq
    from scipy.stats import norm

    def lacking(difference: float) -> float:
        spread = norm.ppf(power) * max(discordant - difference**2, 0.0) ** 0.5
        return float(norm.ppf(0.975) * discordant**0.5 + spread - difference * examples**0.5)

    return float(brentq(lacking, 0.0, discordant)) if lacking(discordant) < 0 else None


def _smallest_unpaired(examples: int, accuracy: float, power: float) -> float | None:
    from statsmodels.stats.power import NormalIndPower

    # The effect is measured as a difference of arcsines (Cohen's h).
    effect = float(NormalIndPower().solve_power(nobs1=examples, alpha=0.05, power=power))
    nearer = max(accuracy, 1 - accuracy)
    angle = 2 * np.arcsin(nearer**0.5) - effect
    return float(nearer - np.sin(angle / 2) ** 2) if angle > 0 else None
