"""Accuracy without learning."""

import pytest

from dsbs.metrics.accuracy import chance


@pytest.mark.parametrize(
    ("gold", "allowed", "expected"),
    [
        (["a", "a", "b"], [["a", "b"]] * 3, 2 / 3),  # always the commonest
        (["w", "x", "y", "z"], [list("wxyza")] * 4, 0.25),
        (["w", "x", "y", "z", "u", "v"], [list("uvwxy")] * 6, 0.2),  # any of five options
        (["1", "2", "3", "4"], [[]] * 4, 0.25),
    ],
)
def test_chance_is_what_no_learning_gives(
    gold: list[str], allowed: list[list[str]], expected: float
) -> None:
    assert chance(gold, allowed) == pytest.approx(expected)
