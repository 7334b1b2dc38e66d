"""Scores of predictions as plain functions of lists: no model, no file, no metrics library."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

from dsbs.core.records import Example
from dsbs.tasks.labels import LabelKind, meaning
from dsbs.tasks.task import Task

_Z = NormalDist().inv_cdf(0.975)


class Interval(NamedTuple):
    """Both ends of an interval: numbers, or arrays of one shape."""

    low: Any
    high: Any


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


def interval(correct: Any, n: Any) -> Interval:
    """Wilson's 95 % interval of a share of independent rows, with continuity correction.

    It covers what other examples of the same kind would have given, not what other seeds would. The
    correction (Newcombe 1998, method 4) keeps it from covering too seldom where rows are few or
    nearly all are right. By hand and not by scipy, which a base install lacks. Arrays give arrays.
    """
    import numpy as np  # not above: --help shall not wait for it

    share = np.asarray(correct / n, dtype=float)
    middle = 2 * n * share + _Z**2
    below = _Z**2 - 2 - 1 / n + 4 * share * (n * (1 - share) + 1)
    above = _Z**2 + 2 - 1 / n + 4 * share * (n * (1 - share) - 1)
    scale = 2 * (n + _Z**2)
    low = (middle - 1 - _Z * np.sqrt(np.maximum(below, 0.0))) / scale
    high = (middle + 1 + _Z * np.sqrt(np.maximum(above, 0.0))) / scale
    return _ends(np.where(share == 0, 0.0, low), np.where(share == 1, 1.0, high))


def wilson(share: Any, n: Any, quantile: float = _Z) -> Interval:
    """Wilson's interval without correction, for a share of `n` rows that need not be whole."""
    import numpy as np

    middle = (share + quantile**2 / (2 * n)) / (1 + quantile**2 / n)
    spread = np.sqrt(share * (1 - share) / n + quantile**2 / (4 * n**2))
    half = quantile / (1 + quantile**2 / n) * spread
    return _ends(middle - half, middle + half)


def _ends(low: Any, high: Any) -> Interval:
    """Cut to what a share can be; plain numbers where they are."""
    import numpy as np

    cut = [np.clip(end, 0.0, 1.0) for end in (low, high)]
    return Interval(*(float(end) if end.ndim == 0 else end for end in cut))


def chance(gold: Sequence[str | None], allowed: Sequence[Sequence[str]]) -> float:
    """The accuracy of a model that has learned nothing.

    It is the better of two guesses: the most frequent gold label everywhere, or one of the labels
    that the model knows a row may have, at random. `allowed` has those of each row; () where it
    knows of none.
    """
    most_frequent = Counter(gold).most_common(1)[0][1] / len(gold)
    at_random = sum(1 / len(labels) for labels in allowed if labels) / len(gold)
    return max(most_frequent, at_random)


def chance_on(task: Task, rows: Sequence[tuple[Example, str]], *, scored: bool) -> float:
    """The chance of a student on rows, each with the label that is right.

    With `scored`, its labels are read by scoring the options, which it need not see then.
    """
    labels = [meaning(task.label.kind, label) for _, label in rows]
    known = [task.guessable(row.input, row.choices, scored=scored) for row, _ in rows]
    return chance(labels, known)


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
