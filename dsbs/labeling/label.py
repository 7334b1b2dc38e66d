"""The work of `generate`: ask for what the store lacks, then write the data set of what it has."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.run_folder import SERVER_LOG
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress, say
from dsbs.core.records import Completion, Example, Outcome
from dsbs.labeling.budget import Spending
from dsbs.labeling.collect import Asking, ShowPrompt, collect
from dsbs.labeling.job import LabelingJob, LiveTeacher
from dsbs.labeling.label_logprobs import LogprobReader
from dsbs.labeling.requests import Asker
from dsbs.labeling.runner import AnswerSource, Labeler, Request
from dsbs.labeling.unnamed_labels import unnamed_in_words, unnamed_labels
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import prompt_prefix, render_prompt
from dsbs.tasks.task import Task
from dsbs.teachers.empty_answers import EmptyAskedAgain
from dsbs.teachers.open import open_teacher
from dsbs.teachers.protocol import Prompt, SettingRefused, Teacher
from dsbs.teachers.published import PublishedAnswers

SCORE = "score"
"""The finish reason of completions that are label scores and no text."""

_MakePrompt = Callable[[Example, int], Prompt]
"""The request for one sample of the answer to an example."""


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
        return collect(job, store, asked)


def _ask_teacher(job: LabelingJob, live: LiveTeacher) -> Asking:
    """Have the teacher answer. Where it refuses a setting, all is asked again without that one."""
    log = job.out / SERVER_LOG
    with (
        open_teacher(live.engine, live.options, live.sampling, log=log) as teacher,
        AnswerStore(job.store) as store,
    ):
        _check_label_scores(job, teacher)
        _say_unnamed(job, Asker(job.task, teacher, live.style))
        while True:
            asker = Asker(job.task, teacher, live.style)
            try:
                asked = _ask_rows(job, store, EmptyAskedAgain(teacher), asker.prompt, asker)
                wanted = live.sampling.for_chat() if teacher.chat else live.sampling
                return replace(asked, changed_settings=wanted.changes(teacher.sampling))
            except SettingRefused as refused:
                store.release()
                setting = refused.setting
                say(f"asking in another form: the model refuses {setting}: {refused}")


def _check_label_scores(job: LabelingJob, teacher: Teacher) -> None:
    """InputError where this teacher has no such label scores, or the task no labels to score."""
    form = job.reading.label_scores
    flag = f"--label-scores {form}"
    if form == "top_logprobs":
        if not teacher.chat:
            fix = "use --label-scores without or after, which scores every label"
            raise InputError(flag, got="a model that continues text", expected="a chat", fix=fix)
        if not job.task.allowed(next(iter(job.examples)).choices):
            got = f"a task of kind {job.task.label.kind!r}"
            fix = "leave --label-scores out; --samples gives shares of votes"
            raise InputError(flag, got=got, expected="labels that can be listed", fix=fix)
    elif form and teacher.chat:
        expected = "a model that continues text"
        fix = "use --api completions, or --label-scores top_logprobs with a chat server"
        raise InputError("--label-scores", got="a chat model", expected=expected, fix=fix)


def _say_unnamed(job: LabelingJob, asker: Asker) -> None:
    """Print once which labels the prompts do not name."""
    first = next(iter(job.examples))
    unnamed = unnamed_labels(job.task, asker, first)
    allowed = len(set(job.task.allowed(first.choices)))
    if line := unnamed_in_words(job.task, unnamed, allowed):
        say(line)


def _ask_rows(
    job: LabelingJob,
    store: AnswerStore,
    source: AnswerSource,
    prompt: _MakePrompt,
    asker: Asker | None,
) -> Asking:
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
    by_tokens = job.reading.label_scores == "top_logprobs"
    reader = LogprobReader(job.task) if by_tokens else None
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
        fault=partial(_fault, job.task) if job.limits.max_bad_answers is not None else None,
        digest=reader,
    )
    store.define(task_hash, definition)
    store.forget_asked(run)
    with Progress("generate", spending.total) as progress:
        labeler.label(partial(_answer_requests, job, prompt), progress)
    if reader is not None:
        for line in reader.lines():
            say(line)
    elif job.reading.label_scores and asker and not labeler.stopped:
        with Progress("score labels", len(job.examples)) as progress:
            labeler.label(partial(_score_requests, job, store, run, asker), progress)
    return Asking(
        teacher=source.name,
        spending=spending,
        stopped=labeler.stopped,
        show_prompt=asker.show if asker else _few_shot_prompt(job.task),
    )


def _few_shot_prompt(task: Task) -> ShowPrompt:
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


def _fault(task: Task, example: Example, completion: Completion) -> Outcome | None:
    """The outcome of an answer whose label cannot be used. Label scores have no fault."""
    if completion.finish_reason == SCORE:
        return None
    answer = parse_answer(task, example, completion)
    return None if answer.label_usable else answer.outcome
