"""Accuracy without learning."""

import pytest

from dsbs.metrics.accuracy import chance, interval, macro_f1, per_label


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


def test_scores_per_label_do_not_depend_on_how_labels_are_written() -> None:
    gold, predicted = ["yes", "no", "no", "yes"], ["yes", "yes", "no", None]
    plain = per_label(gold, predicted)
    assert [(row.label, row.n, row.predicted, row.correct) for row in plain] == [
        ("no", 2, 1, 1),
        ("yes", 2, 2, 1),
    ]
    assert per_label(["yes", "no", "NO", "Yes"], ["YES", "Yes", "No", None]) == plain
    assert macro_f1(["yes", "no", "NO", "Yes"], ["YES", "Yes", "No", None]) == macro_f1(
        gold, predicted
    )


def test_a_share_lies_in_its_interval() -> None:
    for n in range(1, 60):
        for correct in range(n + 1):
            low, high = interval(correct, n)
            assert 0 <= low <= correct / n <= high <= 1
