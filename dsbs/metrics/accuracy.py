"""Scores of predictions as plain functions of lists: no model, no file, no metrics library."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

from dsbs.tasks.labels import LabelKind, meaning

_Z = NormalDist().inv_cdf(0.975)


class Interval(NamedTuple):
    """Both ends of an interval."""

    low: float
    high: float


@dataclass(frozen=True)
class LabelScores:
    """How well one gold label is predicted."""

    label: str
    n: int
    """Rows whose gold label it is."""
    predicted: int
    """Rows it was predicted for."""
    correct: int
    precision: float
    """0 where the label is never predicted."""
    recall: float
    f1: float


def accuracy(verdicts: Sequence[bool]) -> float:
    """The share of True. Raises ZeroDivisionError for an empty list."""
    return sum(verdicts) / len(verdicts)


def interval(correct: int, n: int) -> Interval:
    """Wilson's 95 % interval of a share.

    It covers what other examples of the same kind would have given, not what other seeds would.
    By hand and not by scipy, which a base install lacks.
    """
    share = correct / n
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    # Rounding must not leave a share of 0 or 1 outside.
    return Interval(min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


def chance(gold: Sequence[str | None], allowed: Sequence[Sequence[str]]) -> float:
    """The accuracy of a model that has learned nothing.

    It is the better of two guesses: the most frequent gold label everywhere, or one of each row's
    allowed labels at random.
    """
    most_frequent = Counter(gold).most_common(1)[0][1] / len(gold)
    at_random = sum(1 / len(labels) for labels in allowed if labels) / len(gold)
    return max(most_frequent, at_random)


def per_label(
    gold: Sequence[str], predicted: Sequence[str | None], kind: LabelKind = "class"
) -> list[LabelScores]:
    """The scores of every gold label, in alphabetical order.

    Labels of one meaning are one label, in the writing that gold has first.
    """
    written: dict[str, str] = {}
    for label in gold:
        written.setdefault(meaning(kind, label), label)
    wanted = [meaning(kind, label) for label in gold]
    given = [None if label is None else meaning(kind, label) for label in predicted]
    n = Counter(wanted)
    stated = Counter(given)
    right = Counter(w for w, g in zip(wanted, given, strict=True) if w == g)
    rows = []
    for label in sorted(n, key=written.__getitem__):
        precision = right[label] / stated[label] if stated[label] else 0.0
        recall = right[label] / n[label]
        f1 = 2 * right[label] / (n[label] + stated[label])
        counts = (n[label], stated[label], right[label])
        rows.append(LabelScores(written[label], *counts, precision, recall, f1))
    return rows


def macro_f1(
    gold: Sequence[str], predicted: Sequence[str | None], kind: LabelKind = "class"
) -> float:
    """Mean F1 over the gold labels. Rare labels count as much as frequent ones."""
    rows = per_label(gold, predicted, kind)
    return sum(row.f1 for row in rows) / len(rows)
