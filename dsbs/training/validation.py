"""What a student's labels on validation are worth: how many are right, and signs of collapse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dsbs.config.recipe import Validation
from dsbs.distillation.training_set import ValidationRow
from dsbs.metrics.accuracy import chance_on
from dsbs.metrics.collapse import Notice, chance_notices, validation_notices
from dsbs.metrics.label_counts import LabelCounts
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.student.checkpoint import Student
from dsbs.student.predict import predict
from dsbs.tasks.task import Task

_WHO = "the student, validation"


@dataclass(frozen=True)
class Validator:
    """Predicts this process's share of validation, and judges what all processes have counted."""

    student: Student
    rows: Sequence[ValidationRow]
    """Of all processes."""
    whose: str
    """Whose labels they have, in a notice."""
    rank: int = 0
    ranks: int = 1

    @property
    def _task(self) -> Task:
        return self.student.card.task

    def counts(self) -> PredictionCounts:
        """Of this process's share."""
        own = self.rows[self.rank :: self.ranks]
        found = PredictionCounts(LabelCounts(self._task.label.kind))
        examples = [replace(row.example, gold=row.label) for row in own]
        for example, prediction in zip(examples, predict(self.student, examples), strict=True):
            found.add(prediction, self._task.allowed(example.choices))
        return found

    def total(self, parts: Iterable[PredictionCounts]) -> PredictionCounts:
        """The counts of all processes together."""
        found = PredictionCounts(LabelCounts(self._task.label.kind))
        for part in parts:
            found.merge(part)
        return found

    def notices(self, counts: PredictionCounts) -> list[Notice]:
        """Signs of collapse. Of too few rows no accuracy is compared with chance."""
        found = counts.notices(_WHO, self._wanted, whose=self.whose)
        if not validation_notices(counts.rows):
            found += chance_notices(_WHO, counts.correct, counts.rows, self._chance)
        return found

    @cached_property
    def _allowed(self) -> list[Sequence[str]]:
        return [self._task.allowed(row.example.choices) for row in self.rows]

    @cached_property
    def _wanted(self) -> LabelCounts:
        labels = [row.label for row in self.rows]
        return LabelCounts.of(self._task.label.kind, labels, self._allowed)

    @cached_property
    def _chance(self) -> float:
        return chance_on(self._task, self.rows, scored=self.student.card.decode == "score")


def compared_with(validation: Validation) -> str:
    """Whose labels predictions on validation are compared with, in a notice."""
    return {"gold": "gold", "teacher": "teacher's"}.get(validation.labels, "training")
