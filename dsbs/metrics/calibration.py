"""Whether probabilities mean what they say."""

from collections.abc import Iterable, Mapping
from typing import Any

from dsbs.tasks.labels import LabelKind, same_label


def calibration(
    kind: LabelKind, distributions: Iterable[tuple[Mapping[str, float], str]], bins: int = 10
) -> dict[str, Any] | None:
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

    def results(self) -> dict[str, Any] | None:
        """See `calibration`."""
        parts = [part for _, part in sorted(self._parts.items())]
        if not parts:
            return None
        rows = [
            {"n": n, "confidence": total / n, "accuracy": rights / n} for n, total, rights in parts
        ]
        n = sum(row["n"] for row in rows)
        ece = sum(row["n"] * abs(row["confidence"] - row["accuracy"]) for row in rows) / n
        return {"n": n, "ece": ece, "brier": self._squares / n, "bins": rows}


def _judged(
    kind: LabelKind, probability: Mapping[str, float], gold: str
) -> tuple[float, bool, float]:
    """Confidence of the likeliest label, whether it is right, and the squared distance from the truth."""
    likeliest = max(probability, key=probability.__getitem__)
    squares = [(p - same_label(kind, label, gold)) ** 2 for label, p in probability.items()]
    missing = not any(same_label(kind, label, gold) for label in probability)
    return probability[likeliest], same_label(kind, likeliest, gold), sum(squares) + missing
