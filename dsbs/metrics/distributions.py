"""Distributions over labels."""

import math
from collections.abc import Mapping, Sequence


def softmax(scores: Mapping[str, float]) -> dict[str, float]:
    """Probabilities of log-scores, normalised over the labels."""
    highest = max(scores.values())
    weights = {label: math.exp(score - highest) for label, score in scores.items()}
    total = sum(weights.values())
    return {label: weight / total for label, weight in weights.items()}


def mean_distribution(distributions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The arithmetic mean of distributions over the same labels."""
    labels = dict.fromkeys(label for distribution in distributions for label in distribution)
    return {
        label: sum(d.get(label, 0.0) for d in distributions) / len(distributions)
        for label in labels
    }


def entropy(distribution: Mapping[str, float]) -> float:
    """Shannon entropy in nats: 0 for a teacher that is sure, log K for one that does not know K labels apart."""
    return -sum(p * math.log(p) for p in distribution.values() if p > 0)


def distance(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Total variation distance of two counts: the share of labels that would have to change to make them alike."""
    totals = sum(one.values()), sum(other.values())
    shares = [
        abs(one.get(key, 0) / totals[0] - other.get(key, 0) / totals[1])
        for key in one.keys() | other.keys()
    ]
    return sum(shares) / 2


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """Label probabilities of log-likelihoods, over these labels alone."""
    highest = max(scores.values())
    weights = {label: math.exp(score - highest) for label, score in scores.items()}
    return {label: weight / sum(weights.values()) for label, weight in weights.items()}
