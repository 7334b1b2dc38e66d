"""Find the rows that a contract may rest on: from the student's own data, or from a file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dsbs.artifacts.results.contract import RowOrigin
from dsbs.artifacts.student_card import StudentCard
from dsbs.config.contract import With
from dsbs.config.recipe import AnswerSources
from dsbs.contracts.calibration import (
    CalibrationRows,
    TrainingParts,
    choose_rows,
    labeled_by_teacher,
    left_out,
    training_parts,
    with_unlabeled,
)
from dsbs.core.errors import InputError
from dsbs.core.iteration import Chain
from dsbs.core.progress import say
from dsbs.core.records import Example, Split
from dsbs.data.load import load_data
from dsbs.data.splits import take_fraction
from dsbs.distillation.labeled_data import LabeledData
from dsbs.distillation.row_match import RowIndex, match_rows
from dsbs.distillation.teacher_runs import combined, open_teachers, rank
from dsbs.evaluation.load import load_for_evaluation


@dataclass(frozen=True)
class RowSources:
    """Where to look, as resolved values."""

    data: Path | None
    answers: tuple[Path, ...]
    rows: Path | None
    calibration_frac: float | None
    against: With
    may_have_changed: bool


@dataclass(frozen=True)
class ContractRows:
    """What a contract is made from. `gold` of each row is the label to agree with."""

    calibration: CalibrationRows
    validation: tuple[Example, ...]
    files: tuple[Path, ...]
    """Everything that was read, for the manifest."""


def rows_for_contract(card: StudentCard, checkpoint: Path, sources: RowSources) -> ContractRows:
    """The calibration rows of a student, and the validation rows that choose its score.

    Raises:
        InputError: There are none, or none has a label to agree with.
    """
    own_answers = () if sources.rows else sources.answers
    data = load_for_evaluation(
        card,
        checkpoint,
        data=sources.data,
        answers=own_answers,
        may_have_changed=sources.may_have_changed,
    )
    parts = training_parts(card, data)
    labeled = _read_file(card, sources) if sources.rows else data
    rows = _from_file(labeled, data, parts) if sources.rows else _unused(data, parts, sources)
    validation = tuple(data.splits.get("validation", ()))
    if sources.against == "teacher":
        rows = labeled_by_teacher(rows, labeled)
        chosen = CalibrationRows(validation, rows.origin)
        validation = labeled_by_teacher(chosen, data).examples
    rows = with_unlabeled(rows)
    _say_origin(rows.origin, len(rows.examples))
    files = dict.fromkeys((*data.measured_files, *labeled.measured_files))
    return ContractRows(rows, validation, tuple(files))


def _unused(data: LabeledData, parts: TrainingParts, sources: RowSources) -> CalibrationRows:
    """Training rows that nothing used."""
    found: Sequence[Example] = parts.unseen
    if sources.calibration_frac is not None:
        all_rows = len(data.splits.get("train", ()))
        share = min(1.0, sources.calibration_frac * all_rows / max(1, len(found)))
        found = take_fraction(found, share, seed=0)
    source = RowOrigin(
        source="calibration split" if parts.held else "unused training rows", found=len(found)
    )
    return choose_rows(data.task, found, parts.seen, source)


def _from_file(labeled: LabeledData, data: LabeledData, parts: TrainingParts) -> CalibrationRows:
    """Rows of a file, without those that test has."""
    found = [row for split, rows in labeled.splits.items() if split != "extra" for row in rows]
    source = RowOrigin(source="file", found=len(found))
    seen = [*parts.seen, *data.splits.get("test", ())]
    return choose_rows(data.task, found, seen, source)


def _read_file(card: StudentCard, sources: RowSources) -> LabeledData:
    """The rows of a file with the teacher's answers to them. A test split of its own is left."""
    rows = load_data(card.task, sources.rows, split_seed=card.data.split_seed)
    splits: dict[Split, Sequence[Example]] = dict(rows.splits)
    if "test" in rows.parts:
        say(f"{sources.rows}: {len(splits.pop('test')):,} rows of its test split are not used")
    answers = LabeledData(task=card.task, splits=splits, files=rows.files)
    if sources.against == "gold":
        return answers
    if not sources.answers:
        raise InputError(
            f"--rows {sources.rows}",
            got="no answers of a teacher to these rows",
            expected="a run of generate on this file",
            fix=f"label them with dsbs generate --data {sources.rows} --splits "
            "train,validation,test, and name that run with --answers",
        )
    return _with_answers(answers, sources)


def _with_answers(rows: LabeledData, sources: RowSources) -> LabeledData:
    teachers = open_teachers(AnswerSources(sources.answers), None)
    index = RowIndex(rows.task, Chain(list(rows.splits.values())))
    for run in teachers:
        problem = match_rows(run, index, ()).changed
        if problem and not sources.may_have_changed:
            raise problem
    kind = rows.task.label.kind
    joint = combined(rank(teachers, kind, ()), kind, "arithmetic")
    files = (*rows.files, *(file for run in teachers for file in run.files))
    return replace(rows, answers=joint, files=files)


def _say_origin(origin: RowOrigin, kept: int) -> None:
    """Print which rows are out, and why."""
    reasons = left_out(origin)
    out = f"; out: {reasons}" if reasons else ""
    say(f"calibration: {kept:,} of {origin.found:,} rows ({origin.source}){out}")
    if origin.unlabeled:
        say(f"{origin.unlabeled:,} calibration rows have no label to agree with: all different")
