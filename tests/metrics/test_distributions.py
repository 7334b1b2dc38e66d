"""Distances between counts of labels, and softmax from scores."""

import pytest

from dsbs.metrics.distributions import distance, softmax


def test_distances_of_label_counts() -> None:
    assert distance({"a": 5, "b": 5}, {"a": 50, "b": 50}) == 0
    assert distance({"a": 3}, {"b": 7}) == 1
    assert distance({"a": 6, "b": 4}, {"a": 5, "b": 5}) == pytest.approx(0.1)


def test_probabilities_of_scores_sum_to_one_at_any_size() -> None:
    found = softmax({"a": -1000.0, "b": -1000.0, "c": -5000.0})
    assert found == {"a": 0.5, "b": 0.5, "c": 0.0}
