"""Which rows a run of `generate` answers, and the published answers that belong to them."""

from collections.abc import Sequence

from dsbs.config.generate import GenerateConfig
from dsbs.core.errors import InputError
from dsbs.core.iteration import Chain
from dsbs.core.records import Example, Split
from dsbs.data.load import TaskData, extra_examples
from dsbs.data.splits import take_fraction
from dsbs.tasks.task import Task
from dsbs.teachers.published import PublishedTeacher, read_published, read_release

_SPLITS_OF_PAID_TEACHERS: tuple[Split, ...] = ("train", "validation", "extra")


def published_teacher(task: Task, config: GenerateConfig, data: TaskData) -> PublishedTeacher:
    """Published answers: those named by --answers-from, else those beside the data in the release's layout."""
    source = config.answers_from or (data.files[0].parent / "llm" if data.files else None)
    if source is not None and source.is_file():
        extra = extra_examples(
            task, config.extra_unlabelled, skip_incomplete=config.skip_incomplete
        )
        return read_published(task, source, config.answers_format, [*data.splits.values(), extra])
    if source is None or not source.is_dir() or task.release is None:
        raise InputError(
            "--answers-from",
            got=source or "nothing",
            expected="answers as JSON lines, or a release's llm/ folder beside the data",
            fix="name the file or folder of the published answers",
        )
    wanted = config.splits or tuple(data.splits)
    ids = {
        data.parts[split]: [e.id for e in data.splits[split]]
        for split in wanted
        if split in data.parts
    }
    return read_release(source, task.release.rows_per_chunk, ids)


def rows_to_answer(
    task: Task, config: GenerateConfig, data: TaskData, published: PublishedTeacher | None
) -> Chain[Example]:
    """The rows to answer, split by split: those named; else all of which anything is published; else all but test."""
    splits: dict[Split, Sequence[Example]] = {
        **(data if published else data.with_validation()).splits
    }
    if extra := extra_examples(
        task, config.extra_unlabelled, skip_incomplete=config.skip_incomplete
    ):
        splits["extra"] = extra
    for split in config.splits:
        if split not in splits:
            fix = "the data has no other"
            raise InputError(
                "--splits", got=repr(split), expected=f"one of {', '.join(splits)}", fix=fix
            )
    if published is None:
        wanted = config.splits or tuple(
            split for split in _SPLITS_OF_PAID_TEACHERS if split in splits
        )
    else:
        wanted = config.splits or tuple(
            s for s, rows in splits.items() if any(e.id in published.answers for e in rows)
        )
        if not wanted:
            got = f"ids like {next(iter(published.answers), 'none')!r}"
            expected = f"ids like {next(iter(splits.values()))[0].id!r}"
            fix = "name the data's id column in the prompt file"
            raise InputError("--answers-from", got=got, expected=expected, fix=fix)
    if config.data_frac < 1 and "train" in wanted:
        splits["train"] = _in_fractions(splits["train"], config)
    return Chain([splits[split][: config.max_rows] for split in wanted])


def _in_fractions(train: Sequence[Example], config: GenerateConfig) -> Sequence[Example]:
    """The training rows that `train --data-frac` takes with any of the seeds, in the order of the data."""
    places = {
        at
        for seed in config.seeds
        for at in take_fraction(range(len(train)), config.data_frac, seed)
    }
    return [train[at] for at in sorted(places)]
