"""The rows that a promise may rest on: nothing was trained, selected or tuned on them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from dsbs.artifacts.results.contract import RowOrigin
from dsbs.artifacts.student_card import StudentCard
from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.core.require import check_installed
from dsbs.data.near_duplicates import find_duplicates
from dsbs.data.splits import held_for_calibration, take_fraction
from dsbs.distillation.labeled_data import LabeledData
from dsbs.tasks.fingerprint import input_hash
from dsbs.tasks.task import Task


@dataclass(frozen=True)
class CalibrationRows:
    """Rows to calibrate on. `gold` of each is the label to agree with; None: none is known."""

    examples: tuple[Example, ...]
    origin: RowOrigin


@dataclass(frozen=True)
class TrainingParts:
    """What a student has seen of its data, and what it has not."""

    seen: tuple[Example, ...]
    """Trained on, or used to choose the checkpoint."""
    unseen: tuple[Example, ...]
    """Training rows that nothing used."""
    held: bool
    """Whether the unseen rows were held for calibration when the student was trained."""


def training_parts(card: StudentCard, data: LabeledData) -> TrainingParts:
    """Take the training rows apart as the student's training did.

    Where training held rows for calibration, only those count as unseen.
    """
    train = data.splits.get("train", ())
    held = held_for_calibration([row.group or row.id for row in train], card.data.calibration_frac)
    kept = [row for row, is_held in zip(train, held, strict=True) if not is_held]
    used = take_fraction(kept, card.training.data_frac, card.training.seed)
    ids = {row.id for row in used}
    spare = [row for row, is_held in zip(train, held, strict=True) if is_held]
    rest = [row for row in kept if row.id not in ids]
    seen = (*used, *data.splits.get("validation", ()))
    return TrainingParts(seen, tuple(spare or rest), bool(spare))


def choose_rows(
    task: Task, candidates: Iterable[Example], seen: Sequence[Example], origin: RowOrigin
) -> CalibrationRows:
    """Leave out what would make the promise empty, and count it.

    Rows of a group that was seen, near-duplicates of rows that were seen, and further rows of a
    group are out. Rows with equal inputs count as one group. The first of a group stays. Only
    where labels are equations are rows with other numbers near-duplicates: elsewhere numbers may
    be what tells rows apart.

    Raises:
        MissingPackage: Near-duplicates cannot be looked for.
        InputError: Nothing is left.
    """
    check_installed("datasketch", extra="train", needed_by="dsbs contract")
    found = list(candidates)
    groups = {row.group for row in seen if row.group is not None}
    strangers = [row for row in found if row.group not in groups]
    fresh = _without_duplicates(strangers, seen, task.label.kind == "equation")
    single = _one_of_each(_one_of_each(fresh, lambda row: row.group), lambda r: input_hash(task, r))
    origin = origin.model_copy(
        update={
            "found": len(found),
            "known_groups": len(found) - len(strangers),
            "near_duplicates": len(strangers) - len(fresh),
            "same_group": len(fresh) - len(single),
        }
    )
    if not single:
        raise InputError(
            "calibration rows",
            got=f"none of {len(found):,}; out: {left_out(origin) or 'none was found'}",
            expected="rows that the student was neither trained nor selected on",
            fix="train with --calibration-frac 0.1 or a smaller --data-frac, or name a file of "
            "other rows with --rows",
        )
    return CalibrationRows(tuple(single), origin)


def left_out(origin: RowOrigin) -> str:
    """How many rows were excluded, by reason."""
    counts = {
        "nearly equal to rows that were trained or selected on": origin.near_duplicates,
        "of a group that was trained or selected on": origin.known_groups,
        "further rows of a group, or equal to another": origin.same_group,
    }
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count)


def labeled_by_teacher(rows: CalibrationRows, data: LabeledData) -> CalibrationRows:
    """The same with the teacher's label in place of gold. Rows without a usable one have none."""
    answers = data.answers
    labels = {key: answer.label for key, answer in answers.items() if answer.label_usable}
    examples = (replace(row, gold=labels.get(row.id)) for row in rows.examples)
    return CalibrationRows(tuple(examples), rows.origin)


def with_unlabeled(rows: CalibrationRows) -> CalibrationRows:
    """The same with the rows counted that have no label to agree with.

    Raises:
        InputError: None has one.
    """
    unlabeled = sum(row.gold is None for row in rows.examples)
    if unlabeled == len(rows.examples):
        raise InputError(
            "calibration rows",
            got=f"{unlabeled:,} rows without a label to agree with",
            expected="labels",
            fix="label them with dsbs generate and name that run with --answers, or use --with "
            "gold where the data has gold labels",
        )
    return replace(rows, origin=rows.origin.model_copy(update={"unlabeled": unlabeled}))


def _without_duplicates(
    rows: list[Example], seen: Sequence[Example], mask_numbers: bool
) -> list[Example]:
    """The rows whose input no row that was seen has, or nearly has."""
    inputs = {row.input for row in seen}
    found = find_duplicates({"train": seen, "test": rows}, mask_numbers=mask_numbers)
    near = set(found.tests) if found else set()
    return [row for row in rows if row.id not in near and row.input not in inputs]


def _one_of_each(rows: Sequence[Example], key: Callable[[Example], str | None]) -> list[Example]:
    """The first row of each key; all rows whose key is None."""
    first: dict[str, Example] = {}
    kept = []
    for row in rows:
        name = key(row)
        if name is None or first.setdefault(name, row) is row:
            kept.append(row)
    return kept
