"""Several teachers as one: the mean of their label distributions, and how far they disagree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dsbs.core.records import Answer
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import Mean, weighted_mean


def combine(
    answers: Sequence[Answer], weights: Sequence[float], *, mean: Mean = "arithmetic"
) -> Answer:
    """The answer of all teachers to one example; with one teacher it is that teacher's, unchanged.

    A usable answer without a distribution counts as all of its probability on its label. The label is the likeliest of the
    mean (of equals, the first by its text), so the order of the teachers does not matter; the rationale is one that argues
    for it, if there is one. Without a usable label it is the most frequent outcome.
    """
    usable = [
        (answer, weight)
        for answer, weight in zip(answers, weights, strict=True)
        if answer.label_usable
    ]
    if len(answers) == 1 or not usable:
        return vote(answers) if len(answers) > 1 else answers[0]
    distributions = [answer.distribution or {str(answer.label): 1.0} for answer, _ in usable]
    found = weighted_mean(distributions, [weight for _, weight in usable], mean=mean)
    label = min(found, key=lambda name: (-found[name], name))
    arguing = [answer for answer, _ in usable if answer.label == label]
    if not arguing:
        return replace(
            usable[0][0], outcome="empty_rationale", rationale=None, label=label, distribution=found
        )
    first = next((answer for answer in arguing if answer.rationale_usable), arguing[0])
    return replace(first, distribution=found, more_rationales=())


def spread(distribution: Mapping[str, float], allowed: Sequence[str]) -> dict[str, float] | None:
    """The distribution over all allowed labels, each once and in their order; None where it has none of them."""
    shares = {label: distribution.get(label, 0.0) for label in allowed}
    total = math.fsum(shares.values())
    return {label: share / total for label, share in shares.items()} if total > 0 else None


def disagreement(rows: Iterable[Sequence[Answer | None]]) -> dict[str, Any]:
    """Of the examples that several teachers labelled: `rows`, and the share on which they are not of one mind, `share`."""
    labels = [
        {answer.label for answer in row if answer and answer.label_usable}
        for row in rows
        if _labelled(row) > 1
    ]
    return {
        "rows": len(labels),
        "share": sum(len(found) > 1 for found in labels) / len(labels) if labels else None,
    }


def _labelled(row: Sequence[Answer | None]) -> int:
    return sum(answer is not None and answer.label_usable for answer in row)
