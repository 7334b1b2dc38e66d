"""The rows that a student learns from, and the rows that choose its best checkpoint."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from dsbs.artifacts.results.train import Disagreement, RowCounts
from dsbs.config.recipe import Recipe, Selection, Validation
from dsbs.core.records import Example, Method, Rationale, TrainPair
from dsbs.data.splits import take_fraction
from dsbs.distillation.ensembles import disagreement, spread
from dsbs.distillation.labeled_data import TrainingData
from dsbs.distillation.methods import learned_rationales, make_pair, training_label
from dsbs.distillation.recipe_checks import (
    check_extra_labels,
    check_fall_back,
    check_soft_targets,
    learns_rationales,
    no_labels,
)
from dsbs.metrics.collapse import Notice, label_notices
from dsbs.metrics.label_counts import LabelCounts
from dsbs.tasks.task import Task


class TrainingRows(NamedTuple):
    """The training pairs of one student."""

    pairs: list[TrainPair]
    method: Method
    """The method they are made by: `standard` where no rationale was found and that is allowed."""
    counts: RowCounts
    labels: LabelCounts
    """Of the labels to learn."""
    notices: list[Notice]
    """Signs of collapse in them."""


class ValidationRow(NamedTuple):
    """A validation example with the label that its prediction is compared with."""

    example: Example
    label: str


def training_rows(
    data: TrainingData,
    selection: Selection,
    recipe: Recipe,
    shorten: Callable[[str], str] = str,
) -> TrainingRows:
    """Select the rows of one student and make their pairs.

    The fraction is cut before any filtering. Extra inputs are added after it, and do not count.

    Args:
        data: Rows and answers.
        selection: Which rows.
        recipe: What is learned of them.
        shorten: Applied to the text of every rationale.

    Raises:
        InputError: No row has a label of this source, a method finds no rationale, or soft targets
            have nothing to learn.
    """
    train = data.splits.get("train", ())
    extra = data.splits["extra"]
    check_extra_labels(recipe, extra)
    fraction = take_fraction(train, selection.fraction, selection.seed)
    dropped = data.overlapping if selection.drop_overlap else frozenset()
    kept = [example for example in fraction if example.id not in dropped]
    rows = [*kept, *extra]
    labeled = _labeled(rows, data, recipe)
    if not labeled:
        raise no_labels(recipe, len(fraction), len(train))
    explained = {e.id for e in take_fraction(rows, recipe.rationale_frac, selection.seed)}
    rationales = {
        e.id: _rationales(data, recipe, e, shorten) if e.id in explained else () for e, _ in labeled
    }
    n_explained = sum(map(bool, rationales.values())) if learns_rationales(recipe) else 0
    method = recipe.method
    if method != "standard" and not n_explained:
        check_fall_back(recipe, len(labeled))
        method = "standard"
    pairs = [
        _pair(data, recipe, example, label, rationales[example.id], method)
        for example, label in labeled
    ]
    check_soft_targets(data.task.label.kind, recipe, pairs)
    counts = RowCounts(
        n_rows=len(train),
        n_fraction=len(fraction),
        n_extra=len(_labeled(extra, data, recipe)),
        n_dropped_overlap=len(fraction) - len(kept),
        n_train=len(pairs),
        n_explained=n_explained,
        n_teacher_labels=sum(_is_teachers(recipe, example) for example, _ in labeled),
        n_distributions=sum(pair.distribution is not None for pair in pairs),
        teacher_disagreement=_disagreement(data, [example for example, _ in labeled]),
    )
    given = _counts(data.task, labeled)
    wanted = _counts(data.task, [(example, example.gold) for example, _ in labeled])
    notices = label_notices("the training labels", given, wanted)
    return TrainingRows(pairs, method, counts, given, notices)


def validation_rows(data: TrainingData, validation: Validation) -> list[ValidationRow]:
    """The validation examples that have a label to compare with.

    Each has the teacher's rationale, for students that read it. A limit takes a fixed subset: the
    same rows in every run.
    """
    labeled = []
    for example in data.explained(data.splits.get("validation", ())):
        label = training_label(example, data.answers.get(example.id), validation.labels)
        if label is not None:
            labeled.append(ValidationRow(example, label))
    limit = validation.max_examples
    if limit is None or limit >= len(labeled):
        return labeled
    return take_fraction(labeled, limit / len(labeled), seed=0)


def _labeled(
    rows: Iterable[Example], data: TrainingData, recipe: Recipe
) -> list[tuple[Example, str]]:
    """The rows that have a label to learn, with it."""
    labels = ((e, training_label(e, data.answers.get(e.id), recipe.labels)) for e in rows)
    return [(example, label) for example, label in labels if label is not None]


def _pair(
    data: TrainingData,
    recipe: Recipe,
    example: Example,
    label: str,
    rationales: Sequence[Rationale],
    method: Method,
) -> TrainPair:
    """What a student learns of one row by this method."""
    return make_pair(
        example,
        label,
        rationales,
        method=method,
        alpha=recipe.alpha,
        prefixes=recipe.prefixes,
        task_weights=recipe.rationale_shares,
        distribution=_distribution(data, recipe, example),
    )


def _disagreement(data: TrainingData, examples: Sequence[Example]) -> Disagreement:
    """How often the teachers' labels of these rows differ."""
    return disagreement(
        data.task.label.kind,
        ([run.answers.get(example.id) for run in data.teachers] for example in examples),
        ties=sum(_is_tie(data, example) for example in examples),
    )


def _counts(task: Task, labeled: Sequence[tuple[Example, str | None]]) -> LabelCounts:
    labels = [label for _, label in labeled]
    allowed = [task.allowed(example.choices) for example, _ in labeled]
    return LabelCounts.of(task.label.kind, labels, allowed)


def _is_teachers(recipe: Recipe, example: Example) -> bool:
    """Whether the label that is learned of an example is a teacher's."""
    own = recipe.labels == "gold_else_teacher" and example.gold is not None
    return recipe.labels != "gold" and not own


def _rationales(
    data: TrainingData, recipe: Recipe, example: Example, shorten: Callable[[str], str]
) -> tuple[Rationale, ...]:
    """The rationales to learn for an example, in the order of the teachers."""
    joint = data.answers.get(example.id)
    learned: list[Rationale] = []
    for run in data.teachers:
        learned += learned_rationales(
            run.answers.get(example.id),
            example=example,
            kind=data.task.label.kind,
            wanted=recipe.rationale_filter,
            voted=joint.label if joint else None,
            count=recipe.rationales_per_example,
            task=run.task,
            weight=run.weight,
        )
    return tuple(Rationale(shorten(r.text), r.task, r.weight) for r in learned)


def _distribution(data: TrainingData, recipe: Recipe, example: Example) -> dict[str, float] | None:
    """The teachers' label distribution, where one is to be learned and there is one."""
    answer = data.answers.get(example.id)
    if not recipe.soft.over_labels or answer is None or answer.distribution is None:
        return None
    allowed = data.task.allowed(example.choices)
    return spread(data.task.label.kind, answer.distribution, allowed)


def _is_tie(data: TrainingData, example: Example) -> bool:
    """Whether several teachers' joint answer to an example is a tie."""
    joint = data.answers.get(example.id)
    return len(data.teachers) > 1 and joint is not None and joint.tied
