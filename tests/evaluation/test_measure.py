"""Signs of collapse in what a student says of test."""

from dataclasses import replace

from dsbs.core.records import Example, Prediction
from dsbs.evaluation.measure import MeasuredRows, label_signs
from dsbs.tasks.prompts import load_task


def measured(*said: str | None) -> tuple[MeasuredRows, list[Prediction]]:
    """Questions about sums with these outputs; the gold labels are 0, 1, 2, ..."""
    examples = [
        Example(str(at), "test", {}, "How many?", gold=str(at)) for at, _ in enumerate(said)
    ]
    predictions = [
        Prediction(str(at), one or "", one, str(at), one == str(at)) for at, one in enumerate(said)
    ]
    return MeasuredRows(examples, "gold"), predictions


def test_a_student_that_says_zero_everywhere_has_collapsed_however_it_writes_it() -> None:
    task = load_task("svamp")
    for zeros in (["0"] * 40, ["0", "0.0", "( 3 - 3 )", "0.00"] * 10):
        rows, predictions = measured(*zeros)
        (notice,) = label_signs(task, rows, predictions)
        assert (notice.sign, notice.who) == ("one_label", "the student, test")
        assert notice.text == "100.0 % of 40 labels are '0', but 2.5 % of the gold labels"


def test_a_student_that_answers_is_left_in_peace() -> None:
    rows, predictions = measured(*[str(at % 7) for at in range(40)])
    assert label_signs(load_task("svamp"), rows, predictions) == []


def test_a_student_that_says_nothing_is_told() -> None:
    rows, predictions = measured(*[None] * 40)
    signs = [notice.sign for notice in label_signs(load_task("svamp"), rows, predictions)]
    assert signs == ["empty", "unparsable"]


def test_without_gold_labels_the_teachers_are_compared_with() -> None:
    rows, predictions = measured(*["0"] * 40)
    examples = [replace(example, split="validation") for example in rows.examples]
    (notice,) = label_signs(load_task("svamp"), MeasuredRows(examples, "teacher"), predictions)
    assert notice.who == "the student, validation"
    assert notice.text.endswith("but 2.5 % of the teacher's labels")
