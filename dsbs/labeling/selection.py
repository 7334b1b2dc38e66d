"""Which rows a run labels, and the published answers that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dsbs.config.request_options import AnswersFormat
from dsbs.core.errors import InputError
from dsbs.core.iteration import Chain
from dsbs.core.records import Example, Split
from dsbs.data.load import TaskData
from dsbs.data.splits import take_fraction
from dsbs.data.spool import SpooledExamples
from dsbs.tasks.task import Task
from dsbs.teachers.published import (
    PublishedAnswers,
    read_published,
    read_release,
    read_whole_files,
    whole_files,
)

_LABELED_BY_DEFAULT: tuple[Split, ...] = ("train", "validation", "extra")
"""Splits that a teacher labels. Test is labeled on request only, because answers cost money."""


@dataclass(frozen=True)
class RowChoice:
    """Which rows are labeled."""

    splits: tuple[Split, ...] = ()
    """Default: all splits with published answers; else all but test."""
    data_frac: float = 1.0
    """Share of the training rows, as `train --data-frac` takes it."""
    seeds: tuple[int, ...] = (0,)
    """Seeds with which `train` takes that share; the rows of all of them are labeled."""
    max_rows: int | None = None
    """Most rows of each split."""


@dataclass(frozen=True)
class AnswerFiles:
    """Where published answers are."""

    path: Path | None = None
    """A file or folder. Default: the folder llm/ beside the data."""
    form: AnswersFormat = "auto"
    """Format of a file. auto: by its first row."""
    may_have_changed: bool = False
    """Whether they may have been made for other rows than those with their ids."""


def find_published(
    task: Task,
    data: TaskData,
    extra: SpooledExamples,
    files: AnswerFiles,
    splits: Sequence[Split],
) -> PublishedAnswers:
    """The published answers of a file or folder. Raises InputError where there are none.

    A folder of the release holds the answers of PaLM in chunks, or those of GPT-NeoX 20B in one
    file per split.

    Args:
        task: The task that they answer.
        data: The rows that they belong to.
        extra: Rows without gold labels that they may belong to as well.
        files: Where they are.
        splits: The splits to read from a folder. Default: all.
    """
    beside = data.files[0].parent / "llm" if data.files else None
    source = files.path or beside
    if source is not None and source.is_file():
        rows = [*data.splits.values(), extra]
        return read_published(
            task, source, files.form, rows, may_have_changed=files.may_have_changed
        )
    ids = {
        data.parts[split]: [example.id for example in data.splits[split]]
        for split in splits or tuple(data.splits)
        if split in data.parts
    }
    places = whole_files(task, source, data.parts.values()) if source is not None else {}
    if places:
        wanted = {part: of_part for part, of_part in ids.items() if splits or part in places}
        return read_whole_files(places, wanted)
    if source is None or not source.is_dir() or task.release is None:
        raise InputError(
            "--answers-from",
            got=source or "nothing",
            expected="a file of answers, or a release's llm/ or gpt-neox/ folder",
            fix="name the file or folder of the published answers",
        )
    return read_release(source, task.release.rows_per_chunk, ids)


def choose_rows(
    data: TaskData,
    extra: Sequence[Example],
    published: PublishedAnswers | None,
    choice: RowChoice,
) -> Chain[Example]:
    """The rows to label, split by split.

    Args:
        data: The task's rows.
        extra: Rows without gold labels, which only training uses.
        published: Answers that exist already; None where a teacher answers.
        choice: Which of the rows.

    Raises:
        InputError: a split does not exist, no row has an answer, or there are no rows.
    """
    source = data if published else data.with_validation()
    splits: dict[Split, Sequence[Example]] = {**source.splits}
    if extra:
        splits["extra"] = extra
    _check_splits(choice.splits, splits)
    wanted = choice.splits or _default_splits(splits, published)
    if choice.data_frac < 1 and "train" in wanted:
        splits["train"] = _of_fractions(splits["train"], choice)
    rows = Chain([splits[split][: choice.max_rows] for split in wanted])
    if not rows:
        raise InputError(
            "--splits",
            got=f"no rows in {', '.join(wanted) or 'train, validation'}",
            expected="rows to label",
            fix=f"name other splits; the data has {', '.join(splits) or 'none'}",
        )
    return rows


def _check_splits(wanted: Sequence[Split], splits: dict[Split, Sequence[Example]]) -> None:
    for split in wanted:
        if split not in splits:
            raise InputError(
                "--splits",
                got=repr(split),
                expected=f"one of {', '.join(splits)}",
                fix="the data has no other",
            )


def _default_splits(
    splits: dict[Split, Sequence[Example]], published: PublishedAnswers | None
) -> tuple[Split, ...]:
    if published is None:
        return tuple(split for split in _LABELED_BY_DEFAULT if split in splits)
    answered = tuple(
        split for split, rows in splits.items() if any(row.id in published.answers for row in rows)
    )
    if not answered:
        raise InputError(
            "--answers-from",
            got=f"ids like {next(iter(published.answers), 'none')!r}",
            expected=f"ids like {next(iter(splits.values()))[0].id!r}",
            fix="name the data's id column in the prompt file",
        )
    return answered


def _of_fractions(train: Sequence[Example], choice: RowChoice) -> Sequence[Example]:
    """The training rows that `train --data-frac` takes with any seed, in the data's order."""
    places = {
        place
        for seed in choice.seeds
        for place in take_fraction(range(len(train)), choice.data_frac, seed)
    }
    return [train[place] for place in sorted(places)]
