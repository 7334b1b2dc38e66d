"""Distributions over labels: mappings from a label to its probability."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from dsbs.tasks.labels import LabelKind, meaning

Mean = Literal["arithmetic", "geometric"]

_FLOOR = 1e-6
"""The least probability that a geometric mean sees.

A label that none of a few samples voted for has a share of 0, which is not a probability of 0.
"""


def by_meaning(kind: LabelKind, distribution: Mapping[str, float]) -> dict[str, float]:
    """The distribution over what its labels mean: those of one meaning have one share.

    >>> by_meaning("equation", {"12": 0.5, "12.0": 0.25, "13": 0.25})
    {'12': 0.75, '13': 0.25}
    """
    shares: dict[str, float] = {}
    for label, share in distribution.items():
        meant = meaning(kind, label)
        shares[meant] = shares.get(meant, 0.0) + share
    return shares


def smoothed_shares(
    counts: Mapping[str, int], others: Sequence[str], added: float
) -> dict[str, float]:
    """Shares of counts, with `added` more of each label, those of no count included.

    (n_y + a) / (n + a K): additive (Lidstone) smoothing, the mean of the shares under a symmetric
    Dirichlet prior of weight a. A temperature acts on logarithms, so a share of 0 stays 0 at every
    temperature; a smoothed one does not. Without anything added, labels of count 0 are missing.
    """
    known = {**counts, **(dict.fromkeys(others, 0) if added else {})}
    total = sum(counts.values()) + added * len(known)
    return {label: (count + added) / total for label, count in known.items()}


def softmax(scores: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of log-likelihoods, normalized over these labels alone."""
    highest = max(scores.values())
    weights = {label: math.exp(score - highest) for label, score in scores.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def weighted_mean(
    distributions: Sequence[Mapping[str, float]],
    weights: Sequence[float] | None = None,
    *,
    mean: Mean = "arithmetic",
) -> dict[str, float]:
    """The mean of distributions, labels in alphabetical order. Default weights: all equal.

    Hinton et al. 2015, section 1: the soft targets of an ensemble are the arithmetic mean or the
    (normalized) geometric mean of its members. Sums are exact, so the order does not matter.
    """
    weights = weights or [1.0] * len(distributions)
    total = math.fsum(weights)
    means = {}
    for label in sorted({label for distribution in distributions for label in distribution}):
        values = [distribution.get(label, 0.0) for distribution in distributions]
        if mean == "arithmetic":
            means[label] = _dot(weights, values) / total
        else:
            logs = [math.log(max(value, _FLOOR)) for value in values]
            means[label] = math.exp(_dot(weights, logs) / total)
    norm = math.fsum(means.values())
    return {label: value / norm for label, value in means.items()}


def entropy(distribution: Mapping[str, float]) -> float:
    """Shannon entropy in nats: 0 where one label is certain, log K where K labels are equal."""
    return -sum(p * math.log(p) for p in distribution.values() if p > 0)


def distance(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Total variation distance of two label counts.

    It is the share of labels that would have to change to make the two counts alike.
    """
    total_one = sum(one.values())
    total_other = sum(other.values())
    differences = [
        abs(one.get(label, 0) / total_one - other.get(label, 0) / total_other)
        for label in one.keys() | other.keys()
    ]
    return sum(differences) / 2


def _dot(weights: Sequence[float], values: Sequence[float]) -> float:
    return math.fsum(weight * value for weight, value in zip(weights, values, strict=True))
