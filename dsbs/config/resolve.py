"""From the settings of a command to values: presets, prefixes and names filled in, once.

The commands call these functions; everything below them takes the values and no configuration.
"""

from dsbs.config.presets import preset_of
from dsbs.config.recipe import (
    AnswerSources,
    DataSource,
    Optimization,
    Recipe,
    Selection,
    SoftTargets,
    Training,
    Validation,
)
from dsbs.config.student_options import StudentOptions
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE
from dsbs.tasks.task import Task


def training_of(config: TrainConfig, task: Task) -> Training:
    """Resolve every setting of a training. InputError for tasks of rationales that clash."""
    select_by_gold = config.select_by == "gold"
    student = student_of(config.student, task)
    return Training(
        student=student,
        seed=config.seed,
        selection=Selection(config.data_frac, config.seed, config.drop_overlap),
        recipe=_recipe(config),
        optimization=_optimization(config, student),
        validation=Validation(
            select_by=config.select_by,
            labels="gold" if select_by_gold else config.labels,
            max_examples=config.eval_max_examples,
            decode=config.decode,
        ),
        report_to=config.report_to,
    )


def data_source(options: StudentOptions) -> DataSource:
    """Where the rows come from."""
    return DataSource(
        options.task,
        options.data,
        options.split_seed,
        options.extra_unlabeled,
        options.allow_changed_inputs,
        options.calibration_frac,
    )


def answer_sources(options: StudentOptions) -> AnswerSources:
    """Where the answers come from."""
    tasks = tuple(name for name, _ in map(_named_weight, options.rationale_tasks))
    return AnswerSources(options.answers, options.teacher_weights, tasks, options.ensemble)


def student_of(name: str, task: Task) -> str:
    """The student that a name stands for. "auto" is the task's own, else the built-in tiny one."""
    return (task.student or "tiny") if name == "auto" else name


def _recipe(config: TrainConfig) -> Recipe:
    shares = _rationale_shares(config.rationale_tasks)
    return Recipe(
        method=config.method,
        labels=config.labels,
        alpha=config.alpha,
        alpha_schedule=config.alpha_schedule,
        loss_mean=config.loss_mean,
        rationale_shares=shares,
        prefixes=_prefixes(config.prefixes, tuple(shares)),
        task_prefix=config.task_prefix,
        rationale_filter=config.rationale_filter,
        rationale_frac=config.rationale_frac,
        rationales_per_example=config.rationales_per_example,
        max_rationale_tokens=config.max_rationale_tokens,
        may_fall_back=config.allow_no_rationales,
        soft=SoftTargets(
            weight=config.soft_weight,
            temperature=config.soft_temperature,
            divergence=config.soft_divergence,
            teachers=config.soft_teacher,
            teacher_weights=config.soft_teacher_weights,
            mean=config.ensemble,
            top_k=config.soft_top_k,
            cache=config.soft_cache,
            cache_gb=config.soft_cache_gb,
        ),
    )


def _optimization(config: TrainConfig, student: str) -> Optimization:
    lora = config.lora_rank is not None
    preset = vars(preset_of(student, lora=lora, optimizer=config.optimizer))
    given = {name: getattr(config, name) for name in preset}
    return Optimization(
        **preset | {name: value for name, value in given.items() if value is not None},
        optimizer=config.optimizer,
        precision=config.precision,
        dropout=config.dropout,
        lora_rank=config.lora_rank,
        gradient_checkpointing=config.gradient_checkpointing,
        shard=config.shard,
        micro_batch_tokens=config.micro_batch_tokens,
    )


def _rationale_shares(stated: tuple[str, ...]) -> dict[str, float]:
    """Every rationale task with its share. InputError for a taken name or two different weights."""
    weights: dict[str, float] = {}
    for name, weight in map(_named_weight, stated):
        if name == LABEL or weight <= 0 or weights.get(name, weight) != weight:
            expected = f"names other than {LABEL!r}, each with one weight above 0"
            got = f"{name}={weight:g}"
            raise InputError("--rationale-tasks", got=got, expected=expected, fix="choose others")
        weights[name] = weight
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()} or {RATIONALE: 1.0}


def _prefixes(given: tuple[str, ...], rationale_tasks: tuple[str, ...]) -> dict[str, str]:
    """The prefix of every task. Default for further rationale tasks: their name in brackets."""
    label, rationale, *more = given
    named = [task for task in rationale_tasks if task != RATIONALE]
    further = dict(zip(named, more, strict=False))
    prefixes = {LABEL: label}
    for task in rationale_tasks:
        prefixes[task] = rationale if task == RATIONALE else further.get(task, f"[{task}] ")
    # Methods with one target per example mark the rationale in it, whatever the tasks are.
    prefixes.setdefault(RATIONALE, rationale)
    return prefixes


def _named_weight(stated: str) -> tuple[str, float]:
    """ "program=2" -> ("program", 2.0)."""
    name, _, weight = stated.partition("=")
    try:
        return name, float(weight or 1)
    except ValueError:
        raise InputError(
            "--rationale-tasks",
            got=repr(stated),
            expected="NAME or NAME=WEIGHT",
            fix="give a number",
        ) from None
