"""What a student learns: flags of rows, answers, tasks and soft targets. See docs/training.md."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsbs.config.base import Incidental, Listed, NamesInput, StageConfig
from dsbs.config.presets import DEFAULT_PREFIXES, NO_PREFIXES
from dsbs.metrics.distributions import Mean

RationaleFilter = Literal["none", "correct", "agree"]
AlphaSchedule = Literal["constant", "linear", "label_joint_rationale"]
Divergence = Literal["forward", "reverse", "skew", "reverse_skew"]
LossMean = Literal["tokens", "examples"]
TaskPrefix = Literal["encoder", "decoder"]


def _text(value: Any) -> Any:
    """Accept a Path where a text is expected."""
    return str(value) if isinstance(value, Path) else value


class RecipeOptions(StageConfig):
    """The data, the answers, and what is learned of them."""

    task: Annotated[str | None, NamesInput] = Field(
        None, description="Task name or .yaml file. Default: the task of the answers."
    )
    data: Annotated[Path | None, NamesInput] = Field(
        None, description="File or folder with the rows. Default: the data of the answers' run."
    )
    answers: Annotated[Listed[Path], NamesInput] = Field(
        (),
        description="Run folders of generate, one per teacher. "
        "Default: the newest of the task below ./runs.",
    )
    teacher_weights: Listed[float] = Field(
        (), description="Weight of each run of --answers. Default: all equal."
    )
    ensemble: Mean = Field(
        "arithmetic", description="How the label distributions of several teachers are averaged."
    )
    extra_unlabeled: Annotated[Listed[str], NamesInput] = Field(
        (), description="NAME=PATH: further training inputs, which the teacher has labeled."
    )
    split_seed: int | None = Field(
        None, description="Seed of the 80/10/10 split. Default: that of the answers' run."
    )
    calibration_frac: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="Share of the training rows that are held for `dsbs contract`: no student "
        "learns from them.",
    )
    drop_overlap: bool = Field(False, description="Leave out training inputs that test also has.")
    allow_changed_inputs: Annotated[bool, Incidental] = Field(
        False,
        description="Use answers whose rows or labels have changed since they were made, "
        "or more than 5 % of which belong to no row. Default: that is an error.",
    )
    allow_no_rationales: Annotated[bool, Incidental] = Field(
        False,
        description="Train by standard where a method finds no rationale to learn. "
        "Default: that is an error.",
    )

    alpha: float = Field(
        0.5, ge=0, le=1, description="Weight of the label task; rationale tasks share 1 - alpha."
    )
    alpha_schedule: AlphaSchedule = Field(
        "constant",
        description="linear: from labels only to alpha. "
        "label_joint_rationale: labels, both, rationales, each for a third of the steps.",
    )
    loss_mean: LossMean = Field("tokens", description="What the loss of each task is a mean over.")
    prefixes: Listed[str] = Field(
        DEFAULT_PREFIXES,
        description="Prefixes of the label task, the rationale task and further rationale tasks. "
        "none: standard learns from the bare input, as in the published code; in compare, methods "
        "with several tasks keep the default.",
    )
    task_prefix: TaskPrefix = Field(
        "encoder",
        description="What reads the prefix. decoder (experimental): the label and the rationales "
        "of a row share one pass of the encoder, as they always do in a decoder-only student.",
    )
    rationale_tasks: Listed[str] = Field(
        (),
        description="NAME or NAME=WEIGHT for each run of --answers: "
        "its rationales become a task of that name.",
    )
    rationale_filter: RationaleFilter = Field(
        "none",
        description="Learn only rationales of answers that are correct, or agree with the vote.",
    )
    rationale_frac: float = Field(
        1.0, ge=0, le=1, description="Share of the training rows whose rationales are learned."
    )
    rationales_per_example: int = Field(
        1, ge=1, description="Most rationales per teacher to learn for each row."
    )
    max_rationale_tokens: int | None = Field(
        None, ge=1, description="Longer rationales keep their first whole words."
    )

    soft_weight: float = Field(
        0.0, ge=0, le=1, description="Weight of soft targets; labels as text have the rest."
    )
    soft_temperature: float = Field(
        1.0, gt=0, description="Temperature of soft targets, for teacher and student alike."
    )
    soft_teacher: Listed[Annotated[str, BeforeValidator(_text)]] = Field(
        (),
        description="Larger students with the same vocabulary, "
        "which give a distribution for every token.",
    )
    soft_teacher_weights: Listed[float] = Field(
        (), description="Weight of each --soft-teacher. Default: all equal."
    )
    soft_divergence: Divergence = Field(
        "forward", description="Divergence between soft teacher and student, per token."
    )
    soft_top_k: int | None = Field(
        None, ge=1, description="How many of the teacher's likeliest tokens to learn. Default: all."
    )
    soft_cache: Annotated[Path | None, Incidental] = Field(
        None, description="Folder that keeps the soft teacher's distributions."
    )
    soft_cache_gb: Annotated[float, Incidental] = Field(
        10.0, gt=0, description="Largest size of the cache of one training, in GB."
    )

    def teachers(self) -> list[tuple[Path, ...]]:
        """The runs of each teacher: those of --answers teach together."""
        return [self.answers]

    @field_validator("prefixes")
    @classmethod
    def _different_prefixes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value == NO_PREFIXES:
            return value
        if len(value) < 2 or len({prefix.strip() for prefix in value} - {""}) < len(value):
            raise ValueError("different prefixes, for the label task and every rationale task")
        return tuple(f"{prefix.strip()} " for prefix in value)

    @model_validator(mode="after")
    def _consistent_options(self) -> "RecipeOptions":
        """Find settings that cannot go together before anything is loaded."""
        teachers = self.teachers()
        inconsistent = {
            "teacher_weights": any(_wrong_weights(self.teacher_weights, r) for r in teachers),
            "soft_teacher_weights": _wrong_weights(self.soft_teacher_weights, self.soft_teacher),
            "rationale_tasks": any(len(self.rationale_tasks) not in (0, len(r)) for r in teachers),
            "alpha_schedule": self.alpha_schedule != "constant" and self.alpha in (0, 1),
            "soft_weight": bool(self.soft_teacher) and not self.soft_weight,
            "task_prefix": self.task_prefix == "decoder" and self.soft_weight > 0,
        }
        for name, wrong in inconsistent.items():
            if wrong:
                raise ValueError(f"{name}: {_CONSISTENT[name]}")
        return self


def _wrong_weights(weights: tuple[float, ...], teachers: tuple[object, ...]) -> bool:
    return bool(weights) and (len(weights) != len(teachers) or min(weights) <= 0)


_CONSISTENT = {
    "teacher_weights": "one weight above 0 for each run of --answers",
    "soft_teacher_weights": "one weight above 0 for each --soft-teacher",
    "rationale_tasks": "one name for each run of --answers, which must be given",
    "alpha_schedule": "an alpha between 0 and 1 where there is a schedule",
    "soft_weight": "a weight above 0 where there is a --soft-teacher",
    "task_prefix": "encoder where soft targets are learned",
}
"""What is expected of each option that another one restricts."""
