"""Several teachers as one: their joint answer, and how often they disagree."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dsbs.artifacts.results.train import Disagreement
from dsbs.core.records import Answer
from dsbs.labeling.votes import vote
from dsbs.metrics.distributions import Mean, by_meaning, weighted_mean
from dsbs.tasks.labels import LabelKind, meaning

_EQUAL = 1e-9
"""Relative difference of two probabilities that are equal but for rounding."""


def combine(
    answers: Sequence[Answer],
    weights: Sequence[float],
    *,
    kind: LabelKind,
    mean: Mean = "arithmetic",
) -> Answer:
    """The joint answer of all teachers to one example.

    A usable answer without a distribution counts as certain of its label. Labels of one meaning are
    one label. The joint label is the likeliest one of the mean distribution. If several are equally
    likely, it is that of the better teacher among those that gave one of them, and the answer is
    `tied`. Writing and rationale are those of the best teacher with that label, if there is one.
    Without any usable label the answer is the most frequent outcome.

    Args:
        answers: One per teacher, the best teacher first.
        weights: One per teacher.
        kind: How labels are compared.
        mean: How distributions are averaged.
    """
    if len(answers) == 1:
        return answers[0]
    weighted = zip(answers, weights, strict=True)
    usable = [(answer, weight) for answer, weight in weighted if answer.label_usable]
    if not usable:
        return vote(answers, kind=kind)
    own = [meaning(kind, str(answer.label)) for answer, _ in usable]
    given = [answer.distribution or {str(answer.label): 1.0} for answer, _ in usable]
    distributions = [by_meaning(kind, distribution) for distribution in given]
    joint = weighted_mean(distributions, [weight for _, weight in usable], mean=mean)
    likeliest = _likeliest(joint)
    label = min(likeliest, key=lambda meant: _preference(meant, own, distributions))
    arguing = [answer for (answer, _), meant in zip(usable, own, strict=True) if meant == label]
    if arguing:
        first = next((answer for answer in arguing if answer.rationale_usable), arguing[0])
    else:
        first = replace(usable[0][0], outcome="empty_rationale", rationale=None)
    written = _writings(kind, [answer for answer, _ in usable], given)
    written[label] = str(first.label) if arguing else written[label]
    return replace(
        first,
        label=written[label],
        distribution={written[meant]: share for meant, share in joint.items()},
        more_rationales=(),
        tied=len(likeliest) > 1,
    )


def spread(
    kind: LabelKind, distribution: Mapping[str, float], allowed: Sequence[str]
) -> dict[str, float] | None:
    """The distribution over every allowed label, in their order. None where it covers none."""
    known = by_meaning(kind, distribution)
    shares = {label: known.get(meaning(kind, label), 0.0) for label in allowed}
    total = math.fsum(shares.values())
    return {label: share / total for label, share in shares.items()} if total > 0 else None


def disagreement(
    kind: LabelKind, rows: Iterable[Sequence[Answer | None]], *, ties: int = 0
) -> Disagreement:
    """How often teachers differ in what their labels mean.

    Args:
        kind: How labels are compared.
        rows: Each holds the teachers' answers to one example.
        ties: On how many of the rows their joint label was a tie.
    """
    several = 0
    differing = 0
    for row in rows:
        labels = [answer.label for answer in row if answer is not None and answer.label_usable]
        if len(labels) > 1:
            several += 1
            differing += len({meaning(kind, label or "") for label in labels}) > 1
    share = differing / several if several else None
    return Disagreement(rows=several, share=share, ties=ties)


def _likeliest(joint: Mapping[str, float]) -> list[str]:
    """The labels with the highest probability: several where they tie."""
    highest = max(joint.values())
    return [name for name, share in joint.items() if math.isclose(share, highest, rel_tol=_EQUAL)]


def _preference(
    label: str, own: Sequence[str], distributions: Sequence[Mapping[str, float]]
) -> tuple[float, ...]:
    """The place of the first teacher with this label, then how likely each finds it; least wins."""
    place = own.index(label) if label in own else len(own)
    return (place, *(-distribution.get(label, 0.0) for distribution in distributions))


def _writings(
    kind: LabelKind, answers: Sequence[Answer], distributions: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """The first writing of every meaning."""
    written: dict[str, str] = {}
    for answer, distribution in zip(answers, distributions, strict=True):
        for label in (str(answer.label), *distribution):
            written.setdefault(meaning(kind, label), label)
    return written
