"""The work of `generate`: ask for what the store lacks, then write the data set of what it has."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from dsbs.artifacts.answer_dataset import AnswerWriter
from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.results.base import Status
from dsbs.artifacts.results.generate import GenerateResult, ShownAnswer
from dsbs.artifacts.run_folder import SERVER_LOG
from dsbs.config.base import Duplicates
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress, say
from dsbs.core.records import Completion, Example
from dsbs.data.load import TaskData, overlaps
from dsbs.data.near_duplicates import find_duplicates
from dsbs.labeling.aggregate import ReadAnswer, Reading, read_answers, write_dataset
from dsbs.labeling.budget import Limits, Spending
from dsbs.labeling.requests import Asker, Style
from dsbs.labeling.runner import AnswerSource, Labeler, Request
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import prompt_prefix, render_prompt
from dsbs.tasks.task import Task
from dsbs.teachers.open import open_teacher
from dsbs.teachers.protocol import Engine, EngineOptions, Prompt, Sampling, SettingRefused
from dsbs.teachers.published import PublishedAnswers

_MakePrompt = Callable[[Example, int], Prompt]
"""The request for one sample of the answer to an example."""

_ShowPrompt = Callable[[Example], str]
"""The prompt of an example, for people."""


@dataclass(frozen=True)
class LiveTeacher:
    """A model that is to answer, and how."""

    engine: Engine
    options: EngineOptions
    sampling: Sampling
    style: Style


@dataclass(frozen=True)
class LabelingJob:
    """Everything that a run of `generate` does, as resolved values."""

    task: Task
    data: TaskData
    examples: Collection[Example]
    """The rows to label, in the order of the data."""
    source: LiveTeacher | PublishedAnswers
    """Who answers, or the files that hold the answers."""
    out: Path
    """The run folder."""
    store: Path
    """File of the answer store."""
    samples: int = 1
    """Answers per row."""
    reading: Reading = field(default_factory=Reading)
    limits: Limits = field(default_factory=Limits)
    duplicates: Duplicates = "auto"
    """Whether near-duplicates between train and test are looked for."""
    show: bool = False
    """Whether the result has every prompt and answer."""
    progress_json: Path | None = None
    """File for the state of the run, for other programs."""


@dataclass(frozen=True)
class _Asked:
    """What asking has led to."""

    teacher: str
    spending: Spending
    stopped: str
    """Which limit ended the run, or ""."""
    show_prompt: _ShowPrompt
    changed_settings: dict[str, float | int | None] = field(default_factory=dict)
    """See `GenerateResult.changed_settings`."""


def label(job: LabelingJob) -> GenerateResult:
    """Answer every row of a job, and write the data set of answers into its run folder.

    Only what the store lacks is asked for, and every answer is committed before it is counted.
    Raises InputError for what the user can mend; committed answers stay whatever happens.
    """
    if isinstance(job.source, PublishedAnswers):
        with AnswerStore(job.store) as store:
            asked = _ask_rows(job, store, job.source, job.source.prompt, None)
    else:
        asked = _ask_teacher(job, job.source)
    with AnswerStore(job.store) as store:
        return _collect(job, store, asked)


def _ask_teacher(job: LabelingJob, live: LiveTeacher) -> _Asked:
    """Have the teacher answer. Where it refuses a setting, all is asked again without that one."""
    log = job.out / SERVER_LOG
    with (
        open_teacher(live.engine, live.options, live.sampling, log=log) as teacher,
        AnswerStore(job.store) as store,
    ):
        if job.reading.label_scores and teacher.chat:
            raise InputError(
                "--label-scores",
                got="a chat model",
                expected="a model that continues text",
                fix="use --api completions",
            )
        while True:
            asker = Asker(job.task, teacher, live.style)
            try:
                asked = _ask_rows(job, store, teacher, asker.prompt, asker)
                wanted = live.sampling.for_chat() if teacher.chat else live.sampling
                return replace(asked, changed_settings=wanted.changes(teacher.sampling))
            except SettingRefused as refused:
                store.release()
                setting = refused.setting
                say(f"asking in another form: the model refuses {setting}: {refused}")


def _ask_rows(
    job: LabelingJob,
    store: AnswerStore,
    source: AnswerSource,
    prompt: _MakePrompt,
    asker: Asker | None,
) -> _Asked:
    """Ask for all answers, and then for label scores where they are wanted.

    Args:
        job: What to do.
        store: The open store.
        source: Who answers.
        prompt: Makes the request for an answer.
        asker: Makes the requests for label scores; None where answers are published ones.
    """
    run = store.run_name(job.out)
    definition = job.task.model_dump_json()
    task_hash = hashlib.sha256(definition.encode()).hexdigest()[:16]
    spending = Spending(
        job.limits,
        max_new_tokens=asker.max_new_tokens if asker else 0,
        total=len(job.examples) * job.samples,
    )
    labeler = Labeler(
        store,
        source,
        spending,
        run=run,
        task=task_hash,
        progress_json=job.progress_json,
        is_bad=partial(_is_bad, job.task) if job.limits.max_bad_answers is not None else None,
    )
    store.define(task_hash, definition)
    store.forget_asked(run)
    with Progress("generate", spending.total) as progress:
        labeler.label(partial(_answer_requests, job, prompt), progress)
    if job.reading.label_scores and asker and not labeler.stopped:
        with Progress("score labels", len(job.examples)) as progress:
            labeler.label(partial(_score_requests, job, store, run, asker), progress)
    return _Asked(
        teacher=source.name,
        spending=spending,
        stopped=labeler.stopped,
        show_prompt=asker.show if asker else _few_shot_prompt(job.task),
    )


def _few_shot_prompt(task: Task) -> _ShowPrompt:
    """The prompt that a teacher would get, for answers that are published."""
    prefix = prompt_prefix(task)
    return lambda example: render_prompt(task, example, prefix)


def _answer_requests(job: LabelingJob, prompt: _MakePrompt) -> Iterator[Request]:
    for position, example in enumerate(job.examples):
        for sample in range(job.samples):
            yield Request(position, "answer", sample, example, prompt(example, sample))


def _score_requests(
    job: LabelingJob, store: AnswerStore, run: str, asker: Asker
) -> Iterator[Request]:
    """Label scores without a rationale, or after the rationale of the first or of every sample."""
    form = job.reading.label_scores
    for asked, completion in store.answers(run, "answer"):
        if form != "averaged" and asked.sample > 0:
            continue
        example = asked.example
        if form == "without":
            prompt = asker.score_prompt(example, "")
            yield Request(asked.position, "score_without", 0, example, prompt)
            continue
        rationale = parse_answer(job.task, example, completion).rationale
        if rationale:
            prompt = asker.score_prompt(example, rationale)
            yield Request(asked.position, "score_after", asked.sample, example, prompt)


def _is_bad(task: Task, example: Example, completion: Completion) -> bool:
    """Whether an answer's label cannot be used. Label scores are never bad."""
    if completion.label_scores is not None:
        return False
    return not parse_answer(task, example, completion).label_usable


def _collect(job: LabelingJob, store: AnswerStore, asked: _Asked) -> GenerateResult:
    """Write the data set of answers, and state what came of the run."""
    run = store.run_name(job.out)
    answers = partial(read_answers, store, run, job.task, job.reading)
    with AnswerWriter(job.out) as writer:
        splits = write_dataset(answers(), job.task, writer)
    failures = store.failures(run)
    return GenerateResult(
        out=str(job.out),
        task=job.task.name,
        teacher=asked.teacher,
        status=_status(asked.stopped, failures),
        splits=splits,
        overlap=overlaps(job.data),
        skipped=job.data.skipped,
        duplicates=find_duplicates(job.data.splits, job.duplicates),
        **dict(asked.spending.spent()),
        summary=asked.spending.summary(),
        failures=failures,
        changed_settings=asked.changed_settings,
        stopped=asked.stopped,
        shown=list(_shown(asked.show_prompt, answers())) if job.show else [],
    )


def _status(stopped: str, failures: Collection[object]) -> Status:
    if stopped:
        return "stopped"
    return "incomplete" if failures else "done"


def _shown(show_prompt: _ShowPrompt, answers: Iterable[ReadAnswer]) -> Iterator[ShownAnswer]:
    for one in answers:
        example = one.example
        yield ShownAnswer(
            id=example.id,
            prompt=show_prompt(example),
            completion=one.completion.text,
            outcome=one.answer.outcome,
            label=one.answer.label,
            gold=example.gold,
            correct=None if example.gold is None else one.answer.label == example.gold,
        )
