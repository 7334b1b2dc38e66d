"""What is counted of a student's predictions."""

from dsbs.core.records import Prediction
from dsbs.metrics.label_counts import LabelCounts
from dsbs.metrics.prediction_counts import PredictionCounts

READ = Prediction("1", "no", "no", "no", True)
EMPTY = Prediction("2", " ", None, "yes", False)
UNREADABLE = Prediction("3", "perhaps", None, "no", False)
UNLABELED = Prediction("4", "no", "no")


def counted(*predictions: Prediction) -> PredictionCounts:
    found = PredictionCounts(LabelCounts("class"))
    for prediction in predictions:
        found.add(prediction, ("no", "yes"))
    return found


def test_every_prediction_is_counted_for_what_it_is() -> None:
    found = counted(READ, EMPTY, UNREADABLE, UNLABELED)
    assert (found.rows, found.correct, found.empty, found.unparsable) == (4, 1, 1, 2)
    assert found.labels.total == 2


def test_parts_of_several_processes_make_the_whole() -> None:
    part = counted(READ, EMPTY)
    part.merge(counted(UNREADABLE, UNLABELED))
    assert part == counted(READ, EMPTY, UNREADABLE, UNLABELED)


def test_a_student_that_writes_nothing_shows_both_signs() -> None:
    gold = LabelCounts.of("class", ["no", "yes"] * 5, [()] * 10)
    notices = counted(*[EMPTY] * 10).notices("the student, test", gold, whose="gold")
    assert [notice.sign for notice in notices] == ["empty", "unparsable"]
    assert counted().notices("the student", gold, whose="training") == []
