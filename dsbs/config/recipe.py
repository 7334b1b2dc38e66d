"""How a student is made: what `train` and `compare` share. docs/training.md explains every one of these."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsbs.config.base import Decode, Incidental, Listed, NamesInput, StageConfig
from dsbs.metrics.distributions import Mean

RationaleFilter = Literal["none", "correct", "agree"]
AlphaSchedule = Literal["constant", "linear", "label_joint_rationale"]
Divergence = Literal["forward", "reverse", "skew", "reverse_skew"]
Normaliser = Literal["tokens", "examples"]
StepOrder = Literal["length", "random"]
TaskPrefix = Literal["encoder", "decoder"]
Optimiser = Literal["adamw", "adafactor", "adamw_8bit"]


def _text(value: Any) -> Any:
    """A path is as good as its text."""
    return str(value) if isinstance(value, Path) else value


def _left_out(value: Any) -> Any:
    """`auto` is what is found where nothing is said."""
    return None if value == "auto" else value


class StudentOptions(StageConfig):
    """The data, the answers, and how a student is trained."""

    task: Annotated[str | None, NamesInput] = Field(
        None, description="task name or .yaml; left out, the answers' task"
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="file or folder with the rows; left out, where the answers' run had it"
    )
    answers: Annotated[Listed[Path], NamesInput] = Field(
        (),
        description="run folders of generate, one a teacher; left out, the newest of the task below ./runs",
    )
    teacher_weights: Listed[float] = Field(
        (), description="weight of each run of --answers; left out, all alike"
    )
    ensemble: Mean = Field(
        "arithmetic", description="mean of several teachers' label distributions"
    )
    extra_unlabelled: Annotated[Listed[str], NamesInput] = Field(
        (), description="NAME=PATH: extra training inputs that the teacher labelled"
    )
    split_seed: int | None = Field(
        None, description="seed of the 80/10/10 cut; left out, the answers' run's"
    )
    drop_overlap: bool = Field(
        False, description="leave out training inputs that also stand in test"
    )

    alpha: float = Field(
        0.5, ge=0, le=1, description="weight of the label task; the rationale tasks share 1 - alpha"
    )
    alpha_schedule: AlphaSchedule = Field(
        "constant",
        description="linear: from labels only to alpha; label_joint_rationale: a third of the steps each",
    )
    normalise: Normaliser = Field("tokens", description="what each task's loss is a mean over")
    prefixes: Listed[str] = Field(
        ("[label] ", "[rationale] "),
        description="input prefixes of label task, rationale task and further rationale tasks",
    )
    task_prefix: TaskPrefix = Field(
        "encoder",
        description="what reads the prefix; decoder: a row's label and rationales share one pass of the encoder",
    )
    rationale_tasks: Listed[str] = Field(
        (),
        description="NAME or NAME=WEIGHT for each run of --answers: its rationales are a task of that name",
    )
    filter: RationaleFilter = Field(
        "none",
        description="learn only rationales of answers that are correct, or that agree with the vote",
    )
    rationale_frac: float = Field(
        1.0, ge=0, le=1, description="share of the training rows whose rationales are learned"
    )
    rationales_per_example: int = Field(
        1, ge=1, description="rationales of each teacher to learn of each row, at most"
    )
    max_rationale_tokens: int | None = Field(
        None, ge=1, description="longer rationales keep their first whole words"
    )

    soft_weight: float = Field(
        0.0, ge=0, le=1, description="weight of soft targets; labels as text have the rest"
    )
    soft_temperature: float = Field(
        1.0, gt=0, description="temperature of soft targets, in teacher and student alike"
    )
    soft_teacher: Listed[Annotated[str, BeforeValidator(_text)]] = Field(
        (),
        description="larger students of the same vocabulary that give a distribution for every token",
    )
    soft_teacher_weights: Listed[float] = Field(
        (), description="weight of each of --soft-teacher; left out, all alike"
    )
    soft_divergence: Divergence = Field(
        "forward", description="from the soft teacher to the student, token by token"
    )
    soft_top_k: int | None = Field(
        None, ge=1, description="likeliest tokens of the soft teacher to learn; left out, all"
    )
    soft_cache: Annotated[Path | None, Incidental] = Field(
        None, description="folder to keep the soft teacher's distributions in"
    )
    soft_cache_gb: Annotated[float, Incidental] = Field(
        10.0, gt=0, description="the largest that one training's part of the cache may become"
    )

    learning_rate: float | None = Field(
        None, gt=0, description="left out, the student family's preset"
    )
    max_steps: int | None = Field(None, ge=1, description="optimiser steps; left out, the preset's")
    batch_size: Annotated[int | None, BeforeValidator(_left_out)] = Field(
        None, ge=1, description="examples a step over all devices; left out or auto, the preset's"
    )
    micro_batch_tokens: Annotated[Annotated[int | None, BeforeValidator(_left_out)], Incidental] = (
        Field(
            None,
            ge=1,
            description="tokens a forward pass on one device; left out or auto, as many as pay and fit its memory",
        )
    )
    step_order: StepOrder = Field(
        "random", description="length: examples of like length share a step, with less padding"
    )
    max_input_tokens: int | None = Field(
        None, ge=8, description="longer inputs are cut, and counted"
    )
    max_target_tokens: int | None = Field(
        None, ge=2, description="longer targets are cut, and counted"
    )
    eval_every: int | None = Field(
        None, ge=1, description="steps between evaluations on validation"
    )
    eval_max_examples: int | None = Field(
        None, ge=1, description="evaluate on a fixed subset of validation this large"
    )
    select_by: Literal["training_labels", "gold"] = Field(
        "training_labels",
        description="labels that choose the best checkpoint; gold is marked in every table",
    )
    decode: Decode = Field(
        "generate", description="read labels by generating text, or by scoring the allowed labels"
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="left out, the model's own")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 where the device has it"
    )
    optimiser: Optimiser = Field("adamw", description="adamw_8bit needs bitsandbytes")
    lora_rank: int | None = Field(
        None, ge=1, description="train low-rank adapters, merged at the end; left out, all weights"
    )
    gradient_checkpointing: bool = Field(
        False, description="less memory for a fifth more time: compute activations twice"
    )
    shard: Annotated[bool, Incidental] = Field(
        False, description="share weights, gradients and optimiser states out among devices (FSDP)"
    )
    report_to: Annotated[Listed[str], Incidental] = Field(
        ("tensorboard",), description="where training is logged: tensorboard, wandb, ...; none"
    )

    @field_validator("prefixes")
    @classmethod
    def _different_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(value) < 2 or len({prefix.strip() for prefix in value} - {""}) < len(value):
            raise ValueError("different prefixes, of the label task and of every rationale task")
        return tuple(f"{prefix.strip()} " for prefix in value)

    @model_validator(mode="after")
    def _consistent_options(self) -> "StudentOptions":
        """Settings that cannot go together, found before anything is loaded."""
        problems = {
            "teacher_weights": _unfit(self.teacher_weights, self.answers),
            "soft_teacher_weights": _unfit(self.soft_teacher_weights, self.soft_teacher),
            "rationale_tasks": len(self.rationale_tasks) not in (0, len(self.answers)),
            "alpha_schedule": self.alpha_schedule != "constant" and self.alpha in (0, 1),
            "soft_weight": bool(self.soft_teacher) and not self.soft_weight,
            "task_prefix": self.task_prefix == "decoder" and self.soft_weight > 0,
        }
        for name, wrong in problems.items():
            if wrong:
                raise ValueError(f"{name}: {_INCONSISTENT[name]}")
        return self


def _unfit(weights: tuple[float, ...], teachers: tuple[object, ...]) -> bool:
    return bool(weights) and (len(weights) != len(teachers) or min(weights) <= 0)


_INCONSISTENT = {
    "teacher_weights": "one weight above 0 for each run of --answers",
    "soft_teacher_weights": "one weight above 0 for each of --soft-teacher",
    "rationale_tasks": "one name for each run of --answers, which must be named",
    "alpha_schedule": "a schedule needs an alpha between 0 and 1",
    "soft_weight": "a weight above 0 for what --soft-teacher says",
    "task_prefix": "encoder, where soft targets are learned",
}
