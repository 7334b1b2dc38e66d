"""The end of a run of `generate`: the data set of its answers, and what came of it."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from dsbs.artifacts.answer_dataset import AnswerWriter
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.results.base import Status
from dsbs.artifacts.results.generate import GenerateResult, ShownAnswer
from dsbs.core.records import Example
from dsbs.data.load import overlaps
from dsbs.data.near_duplicates import find_duplicates
from dsbs.labeling.aggregate import ReadAnswer, read_answers, write_dataset
from dsbs.labeling.budget import Spending
from dsbs.labeling.job import LabelingJob
from dsbs.tasks.parsing import correct
from dsbs.tasks.task import Task
from dsbs.teachers.published import PublishedAnswers

ShowPrompt = Callable[[Example], str]
"""The prompt of an example, for people."""


@dataclass(frozen=True)
class Asking:
    """What asking has led to."""

    teacher: str
    spending: Spending
    stopped: str
    """Which limit ended the run, or ""."""
    show_prompt: ShowPrompt
    changed_settings: dict[str, float | int | None] = field(default_factory=dict)
    """See `GenerateResult.changed_settings`."""


def collect(job: LabelingJob, store: AnswerStore, asked: Asking) -> GenerateResult:
    """Write the data set of answers, and state what came of the run."""
    run = store.run_name(job.out)
    answers = partial(read_answers, store, run, job.task, job.reading)
    with AnswerWriter(job.out, job.task) as writer:
        splits = write_dataset(answers(), job.task, writer)
    failures = store.failures(run)
    return GenerateResult(
        out=str(job.out),
        task=job.task.name,
        label=job.task.label,
        teacher=asked.teacher,
        status=_status(asked.stopped, failures),
        splits=splits,
        overlap=overlaps(job.data),
        published=job.source.counts if isinstance(job.source, PublishedAnswers) else None,
        skipped=job.data.skipped,
        duplicates=find_duplicates(job.data.splits, job.duplicates),
        **dict(asked.spending.spent()),
        summary=asked.spending.summary(),
        failures=failures,
        changed_settings=asked.changed_settings,
        stopped=asked.stopped,
        shown=list(_shown(job.task, asked.show_prompt, answers())) if job.show else [],
    )


def _status(stopped: str, failures: Collection[object]) -> Status:
    if stopped:
        return "stopped"
    return "incomplete" if failures else "done"


def _shown(
    task: Task, show_prompt: ShowPrompt, answers: Iterable[ReadAnswer]
) -> Iterator[ShownAnswer]:
    for one in answers:
        example = one.example
        yield ShownAnswer(
            id=example.id,
            prompt=show_prompt(example),
            completion=one.completion.text,
            outcome=one.answer.outcome,
            label=one.answer.label,
            gold=example.gold,
            correct=None if example.gold is None else correct(task, example, one.answer),
        )
