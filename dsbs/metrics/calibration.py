"""Whether label probabilities mean what they say.

Ours and not scikit-learn's: the sums are taken while millions of rows pass, on a base install.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsbs.metrics.distributions import by_meaning
from dsbs.tasks.labels import LabelKind, meaning


@dataclass(frozen=True)
class CalibrationBin:
    """The rows whose confidence lies in one part of the range from 0 to 1."""

    n: int
    confidence: float
    """Mean probability of the likeliest label."""
    accuracy: float
    """Share of rows whose likeliest label is right."""


@dataclass(frozen=True)
class CalibrationScores:
    """How well probabilities are calibrated over `n` rows."""

    n: int
    ece: float
    """Expected calibration error: mean of |confidence - accuracy| over rows (Guo et al. 2017)."""
    brier: float
    """Mean squared distance of the probabilities from the truth, over all labels: 0 to 2."""
    bins: tuple[CalibrationBin, ...]
    """Equal parts of the confidence range that hold any row, lowest first."""


@dataclass
class _Sums:
    rows: int = 0
    confidence: float = 0.0
    right: int = 0


class Calibration:
    """Takes the label probabilities of one row after another; `scores` reports on them."""

    def __init__(self, kind: LabelKind, bins: int = 10) -> None:
        self._kind = kind
        self._bins = bins
        self._squares = 0.0
        self._sums: dict[int, _Sums] = {}

    def add(self, probabilities: Mapping[str, float], gold: str) -> None:
        """Count the label probabilities of one row. An empty mapping is not counted.

        Labels of one meaning share their probability, however they are written.
        """
        if not probabilities:
            return
        probabilities = by_meaning(self._kind, probabilities)
        gold = meaning(self._kind, gold)
        likeliest = max(probabilities, key=probabilities.__getitem__)
        confidence = probabilities[likeliest]
        part = min(int(confidence * self._bins), self._bins - 1)
        sums = self._sums.setdefault(part, _Sums())
        sums.rows += 1
        sums.confidence += confidence
        sums.right += likeliest == gold
        self._squares += _squared_distance(probabilities, gold)

    def scores(self) -> CalibrationScores | None:
        """The scores of all rows so far; None before the first."""
        if not self._sums:
            return None
        bins = tuple(
            CalibrationBin(sums.rows, sums.confidence / sums.rows, sums.right / sums.rows)
            for _, sums in sorted(self._sums.items())
        )
        n = sum(part.n for part in bins)
        ece = sum(part.n * abs(part.confidence - part.accuracy) for part in bins) / n
        return CalibrationScores(n=n, ece=ece, brier=self._squares / n, bins=bins)


def calibration(
    kind: LabelKind, rows: Iterable[tuple[Mapping[str, float], str]], bins: int = 10
) -> CalibrationScores | None:
    """The calibration of (label probabilities, gold label) pairs; None if there are none."""
    found = Calibration(kind, bins)
    for probabilities, gold in rows:
        found.add(probabilities, gold)
    return found.scores()


def _squared_distance(probabilities: Mapping[str, float], gold: str) -> float:
    squares = [(p - (label == gold)) ** 2 for label, p in probabilities.items()]
    # A gold label without a probability is a label of probability 0: its distance is 1.
    return sum(squares) + (gold not in probabilities)
