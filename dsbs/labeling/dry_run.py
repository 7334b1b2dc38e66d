"""What a run would use before it uses it: prompts to look at, tokens, time and money.

`plan cost` measures requests with the same functions.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from dsbs.artifacts.answer_store import IN_MEMORY, AnswerStore
from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.generate import DryRun, DryRunResult, GenerateResult
from dsbs.core.errors import InputError
from dsbs.core.iteration import batched
from dsbs.core.progress import duration
from dsbs.core.tables import table
from dsbs.labeling.job import LabelingJob, LiveTeacher
from dsbs.labeling.request_tokens import (
    CHARS_PER_TOKEN,
    RequestTokens,
    TotalTokens,
    estimate_tokens,
    tokens_per_request,
)
from dsbs.labeling.requests import Asker
from dsbs.labeling.unnamed_labels import unnamed_in_words, unnamed_labels
from dsbs.tasks.task import Task
from dsbs.teachers.open import open_without_weights
from dsbs.teachers.protocol import Teacher

_SHOWN = 3
"""Prompts to show."""

SAMPLE_ROWS = 200
"""Rows whose prompts are counted, evenly spaced."""


def dry_run(job: LabelingJob, tokens_per_second: float | None) -> DryRunResult:
    """Prompts, tokens, time and money of a job. Nothing is asked or written.

    Args:
        job: What `generate` would do. Raises InputError where its answers are published ones.
        tokens_per_second: The teacher's rate. Default: that of an earlier run in this folder.
    """
    live = job.source
    if not isinstance(live, LiveTeacher):
        raise InputError(
            "--plan",
            got="--engine published",
            expected="a teacher that would be asked",
            fix="leave out --plan: published answers cost nothing",
        )
    with (
        open_without_weights(live.engine, live.options, live.sampling) as teacher,
        _store(job.store) as store,
    ):
        asker = Asker(job.task, teacher, live.style)
        needed = _look_up(job, asker, store)
        first = next(iter(job.examples))
        allowed = len(set(job.task.allowed(first.choices)))
        unnamed = unnamed_in_words(job.task, unnamed_labels(job.task, asker, first), allowed)
        each, exact = _measure(job.task, needed.sample, teacher, asker.before_question(first))
        prompts = [asker.show(example) for example in islice(job.examples, _SHOWN)]
    rate = tokens_per_second or _measured_rate(job.out)
    plan = _plan(job, needed, each, rate, prompts, exact=exact)
    plan = plan.model_copy(
        update={
            "max_new_tokens": asker.max_new_tokens,
            "max_new_tokens_why": live.new_tokens.why,
            "reasons": live.new_tokens.reasons,
            "unnamed": unnamed,
        }
    )
    return DryRunResult(task=job.task.name, teacher=teacher.name, plan=plan)


def show_dry_run(plan: DryRun) -> str:
    """The prompts in full, then the numbers."""
    shown = [f"--- prompt {number}\n{prompt}" for number, prompt in enumerate(plan.prompts, 1)]
    counted = "counted by the teacher's tokenizer"
    estimated = f"estimated: one token per {CHARS_PER_TOKEN} characters"
    how = counted if plan.tokens_exact else estimated
    scores = f", {plan.score_tokens:,} of them to score labels" if plan.score_tokens else ""
    time = "label some rows first (--max-rows 30), or give --tokens-per-second"
    if plan.seconds is not None:
        time = duration(plan.seconds)
    money = "give --price-in and --price-out" if plan.cost is None else f"{plan.cost:,.2f}"
    trace = "; a reasoning trace comes on top" if plan.reasons else ""
    most = f"{plan.max_new_tokens:,}"
    if plan.max_new_tokens_why:
        most += f" (default: {plan.max_new_tokens_why})"
    rows = [
        ["rows", f"{plan.rows:,}"],
        ["answers in the store already", f"{plan.reused:,}"],
        ["the same request as for an earlier row", f"{plan.repeated:,}"],
        ["requests to send", f"{plan.requests:,}"],
        ["tokens per prompt", f"{plan.prompt_tokens_each:,} ({how})"],
        ["tokens per answer", f"{plan.answer_tokens_each:,} (as in the demonstrations{trace})"],
        ["most tokens per answer", most],
        ["prompt tokens in all", f"{plan.prompt_tokens:,}{scores}"],
        ["of these in the prefix cache", f"{plan.cached_tokens:,} at most"],
        ["generated tokens in all", f"{plan.completion_tokens:,}"],
        ["time", time],
        ["money", money],
    ]
    note = [plan.unnamed] if plan.unnamed else []
    return "\n".join([*shown, table(["what", "how much"], rows), *note])


class _Needed(NamedTuple):
    """Requests that the store has no answer to."""

    requests: int
    """Equal ones count once."""
    repeated: int
    """The others of equal ones."""
    sample: list[str]
    """Some prompts, from all parts of the rows."""


def _store(path: Path) -> AnswerStore:
    return AnswerStore(path, readonly=True) if path.is_file() else AnswerStore(IN_MEMORY)


def _look_up(job: LabelingJob, asker: Asker, store: AnswerStore) -> _Needed:
    """What the store lacks. Of each such request 8 bytes of its key are kept, 24 at the end."""
    import numpy as np

    missing = array("Q")
    for keys in batched(_keys(job, asker), 512):
        finished = store.finished(keys)
        missing.extend(int(key[:16], 16) for key in keys if key not in finished)
    step = max(1, len(job.examples) // SAMPLE_ROWS)
    sampled = islice(islice(job.examples, 0, None, step), SAMPLE_ROWS)
    requests = len(np.unique(missing))
    return _Needed(requests, len(missing) - requests, [asker.show(row) for row in sampled])


def _keys(job: LabelingJob, asker: Asker) -> Iterator[str]:
    for example in job.examples:
        for sample in range(job.samples):
            yield asker.prompt(example, sample).id


class _Measured(NamedTuple):
    each: RequestTokens
    exact: bool
    """Whether a tokenizer has counted."""


def _measure(task: Task, prompts: Sequence[str], teacher: Teacher, shared: str) -> _Measured:
    """Tokens of a request by the teacher's tokenizer, or by an estimate where it has none."""
    exact = teacher.count_tokens([shared]) is not None

    def count(texts: Sequence[str]) -> list[int]:
        return (teacher.count_tokens(list(texts)) if exact else None) or estimate_tokens(texts)

    return _Measured(tokens_per_request(task, prompts, count, shared=shared), exact)


def _plan(
    job: LabelingJob,
    needed: _Needed,
    each: RequestTokens,
    tokens_per_second: float | None,
    prompts: list[str],
    *,
    exact: bool,
) -> DryRun:
    limits = job.limits
    used = each.total(needed.requests)
    scored = _scores_per_row(job) * len(job.examples) * each.prompt
    # Scores are read outside the prefix cache.
    total = TotalTokens(used.prompt_tokens + scored, used.cached_tokens, used.completion_tokens)
    money = total.money(
        price_in=limits.price_in, price_out=limits.price_out, price_cached=limits.price_cached
    )
    tokens = total.prompt_tokens + total.completion_tokens
    return DryRun(
        rows=len(job.examples),
        requests=needed.requests,
        reused=len(job.examples) * job.samples - needed.requests - needed.repeated,
        repeated=needed.repeated,
        prompt_tokens_each=round(each.prompt, 1),
        answer_tokens_each=round(each.answer, 1),
        prompt_tokens=round(total.prompt_tokens),
        cached_tokens=round(total.cached_tokens),
        completion_tokens=round(total.completion_tokens),
        score_tokens=round(scored),
        tokens_exact=exact,
        cost=round(money, 2) if limits.price_in or limits.price_out else None,
        seconds=round(tokens / tokens_per_second) if tokens_per_second else None,
        prompts=prompts,
    )


def _scores_per_row(job: LabelingJob) -> int:
    form = job.reading.label_scores
    if form is None or form == "top_logprobs":
        return 0
    return job.samples if form == "averaged" else 1


def _measured_rate(out: Path) -> float | None:
    """Tokens per second of an earlier run in this folder."""
    try:
        found = read_manifest(out).results
    except InputError:
        return None
    if not isinstance(found, GenerateResult) or not found.new or not found.labeling_s:
        return None
    return (found.prompt_tokens + found.completion_tokens) / found.labeling_s
