"""Student alone, cascade and teacher, measured on the same rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.contract import CascadeRow
from dsbs.contracts.bound import two_sided
from dsbs.contracts.contract import Contract
from dsbs.core.records import Answer, Example, Prediction
from dsbs.evaluation.measure import over_examples
from dsbs.tasks.labels import same_label
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class CascadeRows:
    """The rows of a split with what the student predicts and the teacher answers."""

    task: Task
    examples: Sequence[Example]
    predictions: Sequence[Prediction]
    """With scores, and rationales where the contract reads them."""
    answers: Mapping[str, Answer]
    """The teacher's, by example id."""
    has_gold: bool
    """Whether `gold` of the examples is a gold label, and not the teacher's."""


def measure_cascade(contract: Contract, rows: CascadeRows) -> list[CascadeRow]:
    """Three ways to answer the same rows, each with its interval.

    A row that needs the teacher and has no usable label of it counts as wrong.
    """
    own = [prediction.label for prediction in rows.predictions]
    teacher = [_teacher_label(rows, example) for example in rows.examples]
    local = [
        contract.answers_locally(contract.score_of(one, rows.task, example.choices), one.label)
        for one, example in zip(rows.predictions, rows.examples, strict=True)
    ]
    mixed = [a if here else b for a, b, here in zip(own, teacher, local, strict=True)]
    answered = any(label is not None for label in teacher)
    count = sum(local)
    share = count / len(local)
    interval = two_sided(count, len(local), 0.05)
    money = contract.money
    cascade_cost = money.student + (1 - share) * money.teacher if money else None
    return [
        CascadeRow(
            who="student",
            accuracy=_accuracy(rows, own),
            agreement=_agreement(rows, own, teacher) if answered else None,
            share_local=1.0,
            cost_per_1000=money.student if money else None,
        ),
        CascadeRow(
            who="cascade",
            accuracy=_accuracy(rows, mixed) if answered else None,
            agreement=_agreement(rows, mixed, teacher) if answered else None,
            share_local=share,
            share_local_ci95=(interval.low, interval.high),
            cost_per_1000=cascade_cost,
        ),
        CascadeRow(
            who="teacher",
            accuracy=_accuracy(rows, teacher) if answered else None,
            share_local=0.0,
            cost_per_1000=money.teacher if money else None,
        ),
    ]


def _teacher_label(rows: CascadeRows, example: Example) -> str | None:
    answer = rows.answers.get(example.id)
    return answer.label if answer is not None and answer.label_usable else None


def _accuracy(rows: CascadeRows, labels: Sequence[str | None]) -> Score | None:
    """The share of labels that are gold; None without gold labels."""
    if not rows.has_gold:
        return None
    return _score(rows, labels, [example.gold for example in rows.examples])


def _agreement(
    rows: CascadeRows, labels: Sequence[str | None], teacher: Sequence[str | None]
) -> Score:
    score = _score(rows, labels, teacher)
    return score.model_copy(update={"against": "teacher"})


def _score(rows: CascadeRows, labels: Sequence[str | None], wanted: Sequence[str | None]) -> Score:
    kind = rows.task.label.kind
    right = [
        one is not None and other is not None and same_label(kind, one, other)
        for one, other in zip(labels, wanted, strict=True)
    ]
    groups = [example.group for example in rows.examples]
    over = over_examples(zip(right, groups, strict=True))
    return Score(
        n=len(right),
        correct=sum(right),
        ci95_examples=over.interval,
        ci95_withheld=over.withheld,
    )
