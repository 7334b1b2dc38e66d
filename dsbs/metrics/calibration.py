"""Whether probabilities mean what they say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dsbs.tasks.labels import LabelKind, same_label


@dataclass(frozen=True)
class CalibrationBin:
    """Rows whose likeliest label has a probability of one range."""

    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class CalibrationScore:
    """How far label probabilities are from shares of right labels."""

    n: int
    ece: float
    """Expected calibration error (Guo et al. 2017)."""
    brier: float
    """Mean squared distance of the probabilities from the truth, over all labels: 0 to 2."""
    bins: tuple[CalibrationBin, ...]


def calibration(
    kind: LabelKind, distributions: Iterable[tuple[Mapping[str, float], str]], bins: int = 10
) -> CalibrationScore | None:
    """Is a label that is given 80 % right four times of five? `n`, `ece`, `brier` and `bins`; None without distributions.

    Of (label probabilities, gold label) pairs: `ece`, the expected calibration error over `bins` equal parts of confidence
    (Guo et al. 2017); `brier`, the mean squared distance of the probabilities from the truth, over all labels, 0 to 2; and
    per part that holds any, `n`, mean `confidence` and `accuracy`.
    """
    found = Calibration(kind, bins)
    for probability, gold in distributions:
        found.add(probability, gold)
    return found.results()


class Calibration:
    """Sums of `calibration`, as distributions pass."""

    def __init__(self, kind: LabelKind, bins: int = 10) -> None:
        self._kind, self._bins, self._squares = kind, bins, 0.0
        self._parts: dict[
            int, tuple[int, float, int]
        ] = {}  # rows, confidence and right ones of each part

    def add(self, probability: Mapping[str, float], gold: str) -> None:
        """Count the label probabilities of one row; none at all says nothing."""
        if probability:
            confidence, right, squares = _judged(self._kind, probability, gold)
            part = min(int(confidence * self._bins), self._bins - 1)
            rows, total, rights = self._parts.get(part, (0, 0.0, 0))
            self._parts[part] = rows + 1, total + confidence, rights + right
            self._squares += squares

    def results(self) -> CalibrationScore | None:
        """See `calibration`."""
        parts = [part for _, part in sorted(self._parts.items())]
        if not parts:
            return None
        bins = tuple(CalibrationBin(n, total / n, rights / n) for n, total, rights in parts)
        n = sum(part.n for part in bins)
        ece = sum(part.n * abs(part.confidence - part.accuracy) for part in bins) / n
        return CalibrationScore(n, ece, self._squares / n, bins)


def _judged(
    kind: LabelKind, probability: Mapping[str, float], gold: str
) -> tuple[float, bool, float]:
    """Confidence of the likeliest label, whether it is right, and the squared distance from the truth."""
    likeliest = max(probability, key=probability.__getitem__)
    squares = [(p - same_label(kind, label, gold)) ** 2 for label, p in probability.items()]
    missing = not any(same_label(kind, label, gold) for label in probability)
    return probability[likeliest], same_label(kind, likeliest, gold), sum(squares) + missing
