"""The smallest difference between two checkpoints that a test set shows."""

from collections.abc import Sequence

import numpy as np

from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.claims import Claim, Detectable
from dsbs.comparison.cells import done_cells

ASSUMED_DISCORDANT = 0.2
"""Share of examples that only one of two students answers correctly, where it is not measured.

Two seeds of one method differ on about a fifth of the examples.
"""

_POWER = 0.8


def detectable(
    examples: int,
    *,
    accuracy: float,
    discordant: float | None = None,
    groups_of_rows: int | None = None,
) -> Detectable:
    """The smallest differences between two checkpoints that a test set of this size shows.

    Tests are two-sided at 5 %. They find such a difference with the probability `_POWER`. Between
    methods it has to be larger, since seeds differ.

    Args:
        examples: Size of the test set.
        accuracy: Accuracy of one checkpoint; in the unpaired case the other is nearer to 50 %.
        discordant: Share of examples that only one of two checkpoints answers correctly. The paired
            case is the normal approximation to McNemar's test (Connor 1987). Default:
            `ASSUMED_DISCORDANT`, as one that was not measured.
        groups_of_rows: Groups that the examples fall into.
    """
    share = ASSUMED_DISCORDANT if discordant is None else discordant
    return Detectable(
        examples=examples,
        accuracy=accuracy,
        discordant=share,
        measured=discordant is not None,
        groups_of_rows=groups_of_rows,
        power=_POWER,
        paired=_smallest_paired(examples, share),
        unpaired=_smallest_unpaired(examples, accuracy),
    )


def measured_detectable(cells: Sequence[CellResult], claims: Sequence[Claim]) -> Detectable | None:
    """The smallest difference by the accuracy and the discordant examples of these cells.

    Where no two students ever differ, nothing is measured that a power could rest on.
    """
    students = [cell for cell in cells if not cell.is_baseline] or cells
    scores = [cell.score for cell in done_cells(students) if cell.score]
    if not scores:
        return None
    discordant = [
        (pair.only_first + pair.only_second) / pair.n
        for claim in claims
        if not claim.against.is_baseline
        for pair in claim.checkpoints
    ]
    return detectable(
        scores[0].n,
        accuracy=float(np.mean([score.share for score in scores])),
        discordant=float(np.mean(discordant)) if any(discordant) else None,
        groups_of_rows=next((claim.groups_of_rows for claim in claims), None),
    )


def _smallest_paired(examples: int, discordant: float) -> float | None:
    from scipy.optimize import brentq
    from scipy.stats import norm

    def lacking(difference: float) -> float:
        spread = norm.ppf(_POWER) * max(discordant - difference**2, 0.0) ** 0.5
        return float(norm.ppf(0.975) * discordant**0.5 + spread - difference * examples**0.5)

    return float(brentq(lacking, 0.0, discordant)) if lacking(discordant) < 0 else None


def _smallest_unpaired(examples: int, accuracy: float) -> float | None:
    from statsmodels.stats.power import NormalIndPower

    # The effect is measured as a difference of arcsines (Cohen's h).
    effect = float(NormalIndPower().solve_power(nobs1=examples, alpha=0.05, power=_POWER))
    nearer = max(accuracy, 1 - accuracy)
    angle = 2 * np.arcsin(nearer**0.5) - effect
    return float(nearer - np.sin(angle / 2) ** 2) if angle > 0 else None
