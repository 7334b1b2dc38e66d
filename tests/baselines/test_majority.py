"""The commonest label, of every kind of label."""

from dsbs.baselines.labels import LabeledRow
from dsbs.baselines.majority import commonest_label
from dsbs.core.records import Example
from support.baseline_rows import label_task, row


def test_the_commonest_class_and_the_first_way_it_was_written() -> None:
    train = [LabeledRow(row(str(n)), label) for n, label in enumerate(["No", "yes", "no"])]
    guesses = commonest_label(label_task("class"), train)([row("a"), row("b")])
    assert [guess.label for guess in guesses] == ["No", "No"]


def test_options_that_change_by_row_are_counted_by_their_place() -> None:
    task = label_task("choice")
    train = [
        LabeledRow(row("1", "ice", "fire"), "fire"),
        LabeledRow(row("2", "sun", "moon"), "moon"),
        LabeledRow(row("3", "cat", "dog"), "cat"),
    ]
    label = commonest_label(task, train)
    few = Example(id="y", split="test", fields={}, input="", choices=("alone",))
    assert [g.label for g in label([row("x", "up", "down"), few])] == ["down", "alone"]


def test_equations_of_one_value_count_together() -> None:
    labels = ["2 + 2", "8 / 2", "5", "6"]
    train = [LabeledRow(row(label), label) for label in labels]
    (guess,) = commonest_label(label_task("equation"), train)([row("x")])
    assert guess.label == "2 + 2"
