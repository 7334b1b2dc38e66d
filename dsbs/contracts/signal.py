"""What the student's own rationale adds to its score, measured on validation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.results.contract import RationaleSignal
from dsbs.contracts.bound import Scores, Verdicts

LEAST_GAIN = 0.02
"""AUROC that a rationale must add to become part of the score."""
FEW = 10
"""Equal and different labels that an AUROC needs at least."""
_FOLDS = 5
_DRAWS = 1000
_RIDGE = 1e-2

Floats = NDArray[np.float64]


class Weighted(NamedTuple):
    """A weight for the rationale's stance, and what it was measured to add."""

    weight: float
    """0 where it adds too little."""
    signal: RationaleSignal


def auroc(scores: Scores, same: Verdicts) -> float:
    """The probability that a row with an equal label has the higher score; ties count half."""
    from scipy.stats import rankdata  # not above: --help shall not wait for it

    equal = int(same.sum())
    ranks = rankdata(scores)[same].sum()
    return float((ranks - equal * (equal + 1) / 2) / (equal * (len(same) - equal)))


def enough(same: Verdicts) -> bool:
    """Whether there are rows of both kinds to tell apart."""
    return min(int(same.sum()), int((~same).sum())) >= FEW


def weigh_rationale(log_odds: Floats, stances: Floats, same: Verdicts) -> Weighted:
    """The weight of the rationale's stance beside the score's log-odds, by logistic regression.

    What it adds is measured on folds that it was not fitted on; the interval is over resampled
    rows.

    Args:
        log_odds: (rows,), of the score alone.
        stances: (rows,), from -1 to 1.
        same: (rows,), whether the student's label is the one to agree with.
    """
    random = np.random.default_rng(0)
    fold = random.permutation(len(same)) % _FOLDS
    combined = log_odds.copy()
    for number in range(_FOLDS):
        out = fold == number
        combined[out] += _fit(log_odds[~out], stances[~out], same[~out]) * stances[out]
    alone = auroc(log_odds, same)
    gain = auroc(combined, same) - alone
    gains = [_gain(log_odds, combined, same, random) for _ in range(_DRAWS)]
    low, high = np.nanquantile(gains, [0.025, 0.975])
    weight = _fit(log_odds, stances, same)
    used = gain >= LEAST_GAIN and weight > 0
    signal = RationaleSignal(
        rows=len(same),
        auroc=alone,
        gain=gain,
        gain_ci95=(float(low), float(high)),
        used=used,
    )
    return Weighted(weight if used else 0.0, signal)


def _gain(alone: Floats, combined: Floats, same: Verdicts, random: np.random.Generator) -> float:
    rows = random.integers(len(same), size=len(same))
    if same[rows].all() or not same[rows].any():
        return float("nan")
    return auroc(combined[rows], same[rows]) - auroc(alone[rows], same[rows])


def _fit(log_odds: Floats, stances: Floats, same: Verdicts) -> float:
    """The stance's coefficient over that of the log-odds; 0 where the score itself says nothing."""
    columns = np.stack([np.ones_like(log_odds), log_odds, stances], axis=1)
    weights = np.zeros(3)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        gradient = columns.T @ (same - chance) - _RIDGE * weights
        curvature = (columns * (chance * (1 - chance))[:, None]).T @ columns
        weights = weights + np.linalg.solve(curvature + _RIDGE * np.eye(3), gradient)
    return float(weights[2] / weights[1]) if weights[1] > 0 else 0.0
