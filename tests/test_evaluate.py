"""What `dsbs evaluate` prints for people."""

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.evaluate import show
from dsbs.metrics.accuracy import LabelScores


def result(**more: object) -> EvaluateResult:
    counts = {"n": 8, "correct": 6, "ci95_examples": (0.4, 0.9), "unparsable": 0.0, "chance": 0.5}
    key = {"method": "standard", "labels": "gold", "student": "tiny", "data_frac": 1.0, "seed": 0}
    place = {"run": "r", "out": "o", "task": "farm", "split": "test", "decode": "generate"}
    return EvaluateResult.model_validate(counts | key | place | more)


def test_scores_of_each_label_are_a_table_where_there_are_labels() -> None:
    bird = LabelScores(
        label="bird", n=4, predicted=5, correct=3, precision=0.6, recall=0.75, f1=0.67
    )
    shown = show(result(per_label=[bird], macro_f1=0.67))
    assert "macro-F1 0.670" in shown
    assert ["bird", "4", "5", "3"] in [line.split()[:4] for line in shown.splitlines()]
    assert "macro-F1" not in show(result())


def test_the_teacher_has_its_interval_and_what_is_withheld_has_a_reason() -> None:
    teacher = Score(n=8, correct=7, ci95_examples=(0.47, 0.99))
    assert (
        "The teacher itself: 87.5 % (7/8), 95 % over examples 47.0 to 99.0 %"
        in show(result(teacher_score=teacher)).splitlines()
    )
    withheld = show(result(ci95_examples=None, ci95_withheld="all rows are of one group"))
    assert "no interval: all rows are of one group" in withheld
