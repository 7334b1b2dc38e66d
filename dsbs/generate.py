"""Have a teacher answer the inputs of a task.

    python -m dsbs.generate
    python -m dsbs.generate --task cqa --data published/ --engine published --out runs/cqa-palm
    python -m dsbs.generate --task cqa --data published/ --teacher Qwen/Qwen2.5-7B-Instruct
    python -m dsbs.generate --task cqa --engine endpoint --base-url http://host:8000/v1 --teacher m
    python -m dsbs.generate --task mytask.yaml --data rows.csv --max-rows 30 --show

Leaves a run folder: answers.sqlite (every completion), data/<split>.parquet, README.md and
manifest.json.
"""

from pathlib import Path
from typing import get_args

from dsbs.artifacts.answer_dataset import answer_files, write_card
from dsbs.artifacts.results.generate import DryRunResult, GenerateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.cli.settings import build
from dsbs.cli.stage import Stage
from dsbs.config.generate import GenerateConfig
from dsbs.core.errors import InputError
from dsbs.core.files import check_writable, find_file, packaged
from dsbs.core.progress import say
from dsbs.data.load import extra_examples, extra_files, load_data
from dsbs.labeling.aggregate import Reading
from dsbs.labeling.budget import Limits
from dsbs.labeling.dry_run import dry_run, show_dry_run
from dsbs.labeling.job import LabelingJob, LiveTeacher
from dsbs.labeling.label import label
from dsbs.labeling.requests import Style
from dsbs.labeling.selection import AnswerFiles, RowChoice, choose_rows, find_published
from dsbs.labeling.show import show_results
from dsbs.metrics.collapse import say_notices
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from dsbs.teachers.new_tokens import NewTokens, default_new_tokens
from dsbs.teachers.open import check_engine, installed_engine
from dsbs.teachers.protocol import (
    MOST_TOP_LOGPROBS,
    EndpointOptions,
    Engine,
    EngineOptions,
    RayOptions,
    Sampling,
    ServerOptions,
)
from dsbs.teachers.published import PublishedAnswers

STORE = "answers.sqlite"


def generate(config: GenerateConfig) -> GenerateResult | DryRunResult:
    """Answer the rows that the configuration names, and write the data set of answers.

    The same command again asks only for what is missing. With `plan` nothing is asked or written.
    Raises InputError for what the user can mend; committed answers stay whatever happens.
    """
    task = load_task(config.task)
    if config.progress_json is not None:
        check_writable(config.progress_json, "--progress-json")
    config = name_teacher(config, task)
    job = labeling_job(config, task)
    if config.plan:
        return dry_run(job, config.tokens_per_second)
    task_file = find_file(config.task, "prompts").resolve()
    published = job.source.files if isinstance(job.source, PublishedAnswers) else ()
    extra = [file for _, file in extra_files(config.extra_unlabeled)]
    inputs = [task_file, *job.data.files, *extra, *published]
    with open_run(
        job.out, GenerateResult, config, inputs, takes_new_inputs=True, task_file=task_file
    ) as run:
        made = label(job)
        title = task.title or task.name
        card = write_card(job.out, task=title, licence=task.licence, source=task.source, made=made)
        run.finish(made, [card, *answer_files(job.out)], made.status)
        say_notices(notice for split in made.splits.values() for notice in split.notices)
        return made


def show(made: GenerateResult | DryRunResult) -> str:
    """The text for people."""
    return show_dry_run(made.plan) if isinstance(made, DryRunResult) else show_results(made)


def name_teacher(config: GenerateConfig, task: Task) -> GenerateConfig:
    """The configuration with engine and model named.

    Raises InputError where the task brings no model and the configuration names none, and
    MissingPackage where the engine is not installed.
    """
    model = config.teacher
    engine = config.engine
    own = engine not in ("published", "endpoint") and config.answers_from is None
    if model is None and own and task.teacher:
        model = str(packaged(task.teacher))
    if engine == "auto":
        engine = installed_engine() if model else "published"
    if engine != "published":
        if model is None:
            raise InputError(
                "--teacher",
                got="nothing",
                expected="a model that answers",
                fix="name one: a hub name or a folder",
            )
        check_engine(engine)
        if config.engine == "auto":
            why = ", because vLLM is not installed" if engine == "transformers" else ""
            say(f"teacher: {model} through {engine}{why}")
    return build(GenerateConfig, {**config.model_dump(), "teacher": model, "engine": engine})


def labeling_job(config: GenerateConfig, task: Task) -> LabelingJob:
    """The resolved values of a configuration whose engine and model are named."""
    skip = config.skip_incomplete
    data = load_data(task, config.data, split_seed=config.split_seed, skip_incomplete=skip)
    extra = extra_examples(task, config.extra_unlabeled, skip_incomplete=skip)
    published = None
    if config.engine == "published":
        files = AnswerFiles(config.answers_from, config.answers_format, config.allow_changed_inputs)
        published = find_published(task, data, extra, files, config.splits)
    choice = RowChoice(config.splits, config.data_frac, config.seeds, config.max_rows)
    out = config.out or Path("runs") / f"{task.name}-{config.engine}-{config.slug()}"
    return LabelingJob(
        task=task,
        data=data,
        examples=choose_rows(data, extra, published, choice),
        source=published or _live_teacher(config, task),
        out=out,
        store=config.store or out / STORE,
        samples=config.samples,
        reading=Reading(
            config.label_scores,
            config.vote_smoothing,
            config.keep_rationales,
            config.max_rationale_words,
        ),
        limits=Limits(
            price_in=config.price_in,
            price_out=config.price_out,
            price_cached=config.price_cached,
            max_cost=config.max_cost,
            max_tokens=config.max_tokens,
            max_bad_answers=None if published else config.max_bad_answers,
        ),
        duplicates=config.duplicates,
        show=config.show,
        progress_json=config.progress_json,
    )


def _live_teacher(config: GenerateConfig, task: Task) -> LiveTeacher:
    assert config.engine in get_args(Engine)
    engine: Engine = config.engine  # type: ignore[assignment]
    options = _engine_options(config)
    new_tokens = _new_tokens(config, engine, options)
    sampling = Sampling(
        temperature=config.drawn_temperature,
        top_p=config.top_p,
        max_new_tokens=new_tokens.limit,
        stop=() if config.zero_shot else task.prompt.stop,
        extra=config.extra_body,
        top_logprobs=MOST_TOP_LOGPROBS if config.label_scores == "top_logprobs" else None,
    )
    style = Style(config.zero_shot, config.rationalize)
    return LiveTeacher(engine, options, sampling, style, new_tokens)


def _new_tokens(config: GenerateConfig, engine: Engine, options: EngineOptions) -> NewTokens:
    """Most tokens of an answer: as given, or a default. An unusual default is said."""
    if config.max_new_tokens is not None:
        return NewTokens(config.max_new_tokens, why="")
    default = default_new_tokens(engine, options, config.extra_body)
    if default.reasons or not default.seen:
        say(f"answers have up to {default.limit:,} tokens: {default.why}")
    return default


def _engine_options(config: GenerateConfig) -> EngineOptions:
    served = config.engine == "endpoint" and config.serve
    return EngineOptions(
        model=config.teacher or "",
        revision=config.revision,
        api=config.api,
        dtype=config.dtype,
        max_model_len=config.max_model_len,
        concurrency=config.concurrency,
        endpoint=EndpointOptions(
            base_urls=config.base_url,
            prompts_per_request=config.prompts_per_request,
            timeout_s=config.request_timeout,
            max_attempts=config.max_attempts,
        ),
        server=ServerOptions(config.serve_python, config.serve_args) if served else None,
        ray=RayOptions(
            address=config.ray_address,
            replicas=config.replicas,
            cpus_each=config.ray_cpus,
            gpus_each=config.ray_gpus,
            patience_s=config.request_timeout,
        ),
    )


STAGE = Stage("generate", GenerateConfig, generate, show)

if __name__ == "__main__":
    STAGE.main()
