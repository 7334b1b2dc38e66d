"""Scores of predictions as plain functions of lists: nothing here knows a model, a file or a library of metrics."""

from collections import Counter
from collections.abc import Sequence
from typing import Any


def accuracy(verdicts: Sequence[bool]) -> float:
    """Share of right ones; raises ZeroDivisionError for none."""
    return sum(verdicts) / len(verdicts)


def interval(correct: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share: what other examples of the same kind would have given. Not for seeds."""
    from scipy.stats import binomtest  # takes a quarter of a second to import

    found = binomtest(correct, n).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)


def chance(gold: Sequence[str | None], allowed: Sequence[Sequence[str]]) -> float:
    """Accuracy without having learned anything: always the commonest label, or any of each row's allowed ones."""
    commonest = Counter(gold).most_common(1)[0][1] / len(gold)
    return max(commonest, sum(1 / len(labels) for labels in allowed if labels) / len(gold))


def per_label(gold: Sequence[str], predicted: Sequence[str | None]) -> list[dict[str, Any]]:
    """For every gold label: `n`, `predicted`, `correct`, precision, recall and F1 (0 where undefined)."""
    n, stated = Counter(gold), Counter(predicted)
    right = Counter(g for g, p in zip(gold, predicted, strict=True) if g == p)
    rows = []
    for label in sorted(n):
        precision = right[label] / stated[label] if stated[label] else 0.0
        recall = right[label] / n[label]
        f1 = 2 * precision * recall / (precision + recall) if right[label] else 0.0
        counts = {
            "label": label,
            "n": n[label],
            "predicted": stated[label],
            "correct": right[label],
        }
        rows.append(counts | {"precision": precision, "recall": recall, "f1": f1})
    return rows


def macro_f1(gold: Sequence[str], predicted: Sequence[str | None]) -> float:
    """Mean F1 over the gold labels, each weighing the same however rare it is."""
    rows = per_label(gold, predicted)
    return float(sum(row["f1"] for row in rows)) / len(rows)
