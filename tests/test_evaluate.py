"""What `dsbs evaluate` prints for people."""

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
