"""The law of capacity gap judged by one's own students: one student, several teachers."""

import math
from collections.abc import Sequence
from typing import Literal

from dsbs.core.errors import InputError
from dsbs.core.sizes import show_size
from dsbs.planning.plan import Part
from dsbs.scaling.capacity_gap import capacity_gap_teacher

_FEWEST = 3


class TeacherPoint(Part):
    """What a student reaches with one teacher."""

    teacher: str
    size: float | None
    """All parameters of the teacher; None where it is not known."""
    quality: float | None
    """The teacher's own accuracy; None where it was not measured."""
    accuracy: float
    """Of the student on test, a mean over seeds."""
    interval: tuple[float, float] | None
    """95 % of `accuracy`; None where it is withheld."""


class GapTest(Part):
    """Students of one kind over their teachers, beside the law's prediction."""

    student: str
    """What all of the students have in common."""
    points: list[TeacherPoint]
    """By the teacher's size; those of unknown size last."""
    predicted_teacher: float | None
    """Parameters of the best teacher by the law; None for a student that it does not cover."""
    best: str
    """The teacher of the best students."""
    nearest: str | None
    """The teacher whose size is nearest to the predicted one."""
    verdict: Literal["agrees", "contradicts", "open"]
    why: str
    best_by_quality: bool | None
    """Whether the best students had the best teacher; None where that was not measured for all."""

    def line(self) -> str:
        """The same in one sentence."""
        word = {
            "agrees": "These runs agree with the law of capacity gap",
            "contradicts": "These runs contradict the law of capacity gap",
            "open": "These runs leave the law of capacity gap open",
        }[self.verdict]
        return f"{word} ({self.student}): {self.why}"


def judge_gap(student: str, points: Sequence[TeacherPoint], student_params: float) -> GapTest:
    """Whether the best of the teachers is the one that the law predicts.

    It agrees where the teacher nearest to the predicted size has the best student, and intervals
    tell this one from a smaller and from a larger teacher. It contradicts where intervals tell the
    best student from that of the nearest teacher. All else is open.

    Args:
        student: What all of the students have in common, in words.
        points: One per teacher, at least one.
        student_params: All parameters of the student, as the law counts.
    """
    ordered = sorted(points, key=lambda one: (one.size is None, one.size or 0.0))
    predicted = _predicted(student_params)
    best = max(ordered, key=lambda one: one.accuracy)
    sized = [one for one in ordered if one.size is not None]
    nearest = min(sized, key=lambda one: _distance(one, predicted)) if sized and predicted else None
    verdict, why = _verdict(sized, best, nearest, predicted)
    qualities = [one.quality for one in ordered if one.quality is not None]
    known = len(qualities) == len(ordered) > 1
    return GapTest(
        student=student,
        points=ordered,
        predicted_teacher=predicted,
        best=best.teacher,
        nearest=None if nearest is None else nearest.teacher,
        verdict=verdict,
        why=why,
        best_by_quality=best.quality == max(qualities) if known else None,
    )


def _verdict(
    sized: Sequence[TeacherPoint],
    best: TeacherPoint,
    nearest: TeacherPoint | None,
    predicted: float | None,
) -> tuple[Literal["agrees", "contradicts", "open"], str]:
    if predicted is None:
        return "open", "the law covers no student of up to 7.7M parameters"
    if nearest is None or len(sized) < _FEWEST:
        return "open", f"it takes {_FEWEST} teachers of known size, and there are {len(sized)}"
    size = show_size(predicted)
    if _surely_above(best, nearest):
        return (
            "contradicts",
            f"the law predicts a teacher of {size}, but {best.teacher} is better than "
            f"{nearest.teacher}, which is nearest to that, beyond their intervals",
        )
    smaller = [one for one in sized if (one.size or 0.0) < predicted and one is not nearest]
    larger = [one for one in sized if (one.size or 0.0) > predicted and one is not nearest]
    if not smaller or not larger:
        side = "smaller" if not smaller else "larger"
        return "open", f"no other teacher is {side} than the predicted {size}"
    if all(any(_surely_above(nearest, one) for one in side) for side in (smaller, larger)):
        return (
            "agrees",
            f"{nearest.teacher} is nearest to the predicted {size}, and better than a smaller and "
            "a larger teacher beyond their intervals",
        )
    return (
        "open",
        f"{nearest.teacher} is nearest to the predicted {size}, and intervals overlap; more seeds "
        "or test rows would tell",
    )


def _predicted(student_params: float) -> float | None:
    try:
        return capacity_gap_teacher(student_params)
    except InputError:
        return None


def _distance(point: TeacherPoint, predicted: float | None) -> float:
    return abs(math.log((point.size or 1.0) / (predicted or 1.0)))


def _surely_above(one: TeacherPoint, other: TeacherPoint) -> bool:
    """Whether one interval lies above the other."""
    if one.interval is None or other.interval is None:
        return False
    return one.interval[0] > other.interval[1]
