"""The rows to measure a student on, found from its card alone."""

from collections.abc import Sequence
from pathlib import Path

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.recipe import AnswerSources
from dsbs.core.errors import InputError
from dsbs.core.hashing import hash_file
from dsbs.core.iteration import Chain
from dsbs.core.progress import say
from dsbs.data.load import load_data
from dsbs.distillation.labeled_data import LabeledData
from dsbs.distillation.row_match import RowIndex, match_rows
from dsbs.distillation.teacher_runs import TeacherRun, combined, open_teachers, rank


def load_for_evaluation(
    card: StudentCard,
    checkpoint: Path,
    *,
    data: Path | None = None,
    answers: Sequence[Path] = (),
    may_have_changed: bool = False,
) -> LabeledData:
    """The splits that the student was trained with, and the teachers' answers if they are found.

    Args:
        card: The student's card.
        checkpoint: Where it lies now.
        data: Where the rows are now. Default: where the card says.
        answers: Runs of generate. Default: those that the card names.
        may_have_changed: Whether rows may be others than those that were answered.

    Raises:
        InputError: The data are gone or have changed, or the answers are of another task or of
            other rows.
    """
    path = data or recorded_data(card, checkpoint)
    rows = load_data(
        card.task,
        path,
        split_seed=card.data.split_seed,
        skip_incomplete=card.data.skip_incomplete,
    ).with_validation()
    _check_content(card, rows.files, given=data)
    teachers = _teachers(card, checkpoint, answers)
    for run in teachers:
        if run.made.final.task != card.task.name:
            raise InputError(
                f"--answers {run.folder}",
                got=f"answers of task {run.made.final.task!r}",
                expected=f"answers of the student's task {card.task.name!r}",
                fix="name other answers",
            )
    if teachers:
        index = RowIndex(card.task, Chain(list(rows.splits.values())))
        problem = _changed(teachers, index)
        if problem and answers and not may_have_changed:
            raise problem
        if problem and not may_have_changed:
            say(f"{problem}; measuring against gold labels only")
            teachers = ()
        elif problem:
            say(f"{problem.where}: {problem.got}")
    kind = card.task.label.kind
    ranking = rank(teachers, kind, rows.splits.get("validation", ()))
    return LabeledData(
        task=card.task,
        splits=rows.splits,
        answers=combined(ranking, kind, card.answers.mean) if teachers else {},
        files=(*rows.files, *(file for run in teachers for file in run.files)),
    )


def recorded_data(card: StudentCard, checkpoint: Path) -> Path | None:
    """Where the card's data are now. None: the task's own."""
    place = card.data.place
    if place is None:
        return None
    found = place.find(checkpoint)
    if found is None:
        got = f"data {place.path} are gone"
        fix = "name their place now with --data"
        raise InputError(checkpoint, got=got, expected="the data it was trained on", fix=fix)
    return found


def _check_content(card: StudentCard, files: Sequence[Path], *, given: Path | None) -> None:
    """Compare the data with those of training, by their hashes.

    Other data are an error unless they were given on purpose.
    """
    recorded = {file.sha256 for file in card.data.files}
    if not recorded or recorded == {hash_file(file) for file in files}:
        return
    if given is None:
        raise InputError(
            f"data {card.data.place.path if card.data.place else card.task.data}",
            got="rows that have changed since the student was trained",
            expected="the data it was trained on",
            fix="name them with --data to measure on them all the same",
        )
    say(f"{given} is not the data that the student was trained on: its test may hold known rows")


def _teachers(card: StudentCard, checkpoint: Path, given: Sequence[Path]) -> tuple[TeacherRun, ...]:
    if given:
        weights = card.answers.weights if len(given) == len(card.answers.runs) else ()
        return open_teachers(AnswerSources(tuple(given), weights), None)
    places = [place.find(checkpoint) for place in card.answers.runs]
    found = tuple(place for place in places if place is not None)
    try:
        if found and len(found) == len(places):
            return open_teachers(AnswerSources(found, card.answers.weights), None)
        why = "the answers that the student learned from are gone"
    except InputError as error:
        why = str(error)
    say(f"{why}; measuring against gold labels only (--answers names others)")
    return ()


def _changed(teachers: Sequence[TeacherRun], index: RowIndex) -> InputError | None:
    """What is wrong with the first answers that were made for other rows than those of today.

    Answers without a row are no fault here: a student may be measured on other data.
    """
    return next(filter(None, (match_rows(run, index, ()).changed for run in teachers)), None)
