"""Several teachers as one: their joint answer, and how often they disagree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dsbs.artifacts.results.train import Disagreement
from dsbs.core.records import Answer
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import Mean, weighted_mean


def combine(
    answers: Sequence[Answer], weights: Sequence[float], *, mean: Mean = "arithmetic"
) -> Answer:
    """The joint answer of all teachers to one example.

    A usable answer without a distribution counts as certain of its label. The label is the
    likeliest one of the mean distribution, so the order of the teachers does not matter; of equally
    likely ones it is the first in alphabetical order. The rationale comes from a teacher with that
    label, if there is one. Without any usable label the answer is the most frequent outcome.
    """
    if len(answers) == 1:
        return answers[0]
    weighted = zip(answers, weights, strict=True)
    usable = [(answer, weight) for answer, weight in weighted if answer.label_usable]
    if not usable:
        return vote(answers)
    distributions = [answer.distribution or {str(answer.label): 1.0} for answer, _ in usable]
    joint = weighted_mean(distributions, [weight for _, weight in usable], mean=mean)
    label = min(joint, key=lambda name: (-joint[name], name))
    arguing = [answer for answer, _ in usable if answer.label == label]
    if not arguing:
        return replace(
            usable[0][0], outcome="empty_rationale", rationale=None, label=label, distribution=joint
        )
    first = next((answer for answer in arguing if answer.rationale_usable), arguing[0])
    return replace(first, distribution=joint, more_rationales=())


def spread(distribution: Mapping[str, float], allowed: Sequence[str]) -> dict[str, float] | None:
    """The distribution over every allowed label, in their order. None where it covers none."""
    shares = {label: distribution.get(label, 0.0) for label in allowed}
    total = math.fsum(shares.values())
    return {label: share / total for label, share in shares.items()} if total > 0 else None


def disagreement(rows: Iterable[Sequence[Answer | None]]) -> Disagreement:
    """How often teachers differ. Each row holds the teachers' answers to one example."""
    several = 0
    differing = 0
    for row in rows:
        labels = [answer.label for answer in row if answer is not None and answer.label_usable]
        if len(labels) > 1:
            several += 1
            differing += len(set(labels)) > 1
    return Disagreement(rows=several, share=differing / several if several else None)
