"""Whether the answers of a file were made for the rows that they are joined with."""

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.core.records import Example
from dsbs.tasks.fingerprint import read_fields
from dsbs.tasks.label_keys import fold
from dsbs.tasks.task import Task
from dsbs.teachers.found_answer import FoundAnswer

_GO_ON = "or go on with --allow-changed-inputs"
_SHOWN = 60


class Checked(NamedTuple):
    """Answers that are joined with rows by their ids."""

    changed: int
    """Those whose file repeats another input than that of the row."""
    unchecked: int
    """Those whose file does not repeat what was asked."""


def check_apart(
    path: Path,
    found: Sequence[FoundAnswer],
    apart: Sequence[FoundAnswer],
    rows: Sequence[Sequence[Example]],
) -> None:
    """Print how many of the answers that were found in a file belong to no row.

    Some may: a file often has answers to more rows. Raises InputError where none belongs to a row.
    """
    if not apart:
        return
    first = apart[0]
    counted = f"{len(apart):,} of {len(found):,} answers belong to no row of the data"
    known = next((part[0].id for part in rows if part), None)
    if known is not None and len(apart) == len(found):
        ids = f"ids like {first.id!r}" if first.id else f"answers like that at {first.where}"
        raise InputError(
            path,
            got=f"{ids}: {counted}",
            expected=f"ids like {known!r}",
            fix="give the rows that they were made for, or name the data's id column in the task "
            "file",
        )
    named = f"{first.where}" + (f", with an id like {first.id!r}" if first.id else "")
    say(f"{path}: {counted}; the first is {named}")


def check_inputs(
    task: Task,
    path: Path,
    answers: Mapping[str, FoundAnswer],
    rows: Sequence[Sequence[Example]],
    *,
    may_have_changed: bool,
) -> Checked:
    """Compare what a file repeats of its rows with the rows, and print how much it does not repeat.

    Args:
        task: The task, whose templates say which fields are read.
        path: The file.
        answers: Its answers by the id of their row.
        rows: The rows of every split.
        may_have_changed: Whether differences are counted and no error.

    Raises:
        InputError: An answer repeats another input than that of the row with its id.
    """
    changed = 0
    unchecked = 0
    for example in chain.from_iterable(rows):
        answer = answers.get(example.id)
        if answer is None or answer.id != example.id or answer.rows:
            continue  # Joined by what the file repeats, and so checked.
        unchecked += not answer.shown
        lacking = _lacking(task, example, answer)
        changed += lacking is not None
        if lacking is not None and not may_have_changed:
            raise _other_input(example, answer, lacking)
    if changed:
        say(
            f"{path}: {changed:,} of {len(answers):,} answers repeat another input than that of "
            "the row with their id"
        )
    if unchecked:
        say(
            f"{path}: {unchecked:,} of {len(answers):,} answers come without what was asked, so "
            "they are joined to rows by id alone"
        )
    return Checked(changed, unchecked)


def _lacking(task: Task, example: Example, answer: FoundAnswer) -> str | None:
    """The first text of a row that was not in what was asked; None where nothing is missing."""
    if not answer.shown:
        return None
    shown = fold(answer.shown)
    read = read_fields(task)
    fields = [str(value) for name, value in example.fields.items() if name in read]
    return next((text for text in (*fields, *example.choices) if fold(text) not in shown), None)


def _other_input(example: Example, answer: FoundAnswer, lacking: str) -> InputError:
    end = " ".join(answer.shown.split())
    return InputError(
        answer.where,
        got=f"an answer to {'…' * (len(end) > _SHOWN) + end[-_SHOWN:]!r}",
        expected=f"one to the row with id {example.id!r}, which has {lacking[:_SHOWN]!r}",
        fix=f"give the rows that the answers were made for, {_GO_ON}",
    )
