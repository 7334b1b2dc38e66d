"""The settings of one training as resolved values. Below the commands these are all there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dsbs.config.base import Decode, ScoreNorm
from dsbs.config.presets import Preset
from dsbs.config.recipe_options import (
    AlphaSchedule,
    Divergence,
    LossMean,
    RationaleFilter,
    TaskPrefix,
)
from dsbs.config.student_options import Optimizer, Precision, SelectBy
from dsbs.core.records import LabelSource, Method
from dsbs.metrics.distributions import Mean


@dataclass(frozen=True)
class DataSource:
    """Where the rows of a task come from. None stands for what the answers' run used."""

    task: str | None = None
    """Task name or .yaml file."""
    data: Path | None = None
    split_seed: int | None = None
    extra: tuple[str, ...] = ()
    """NAME=PATH of further training inputs."""
    may_have_changed: bool = False
    """Whether rows may be others than those that were answered."""
    calibration_frac: float = 0.0
    """Share of the training rows that no student learns from."""


@dataclass(frozen=True)
class AnswerSources:
    """The generate runs to learn from, one per teacher, and how their answers become one."""

    runs: tuple[Path, ...] = ()
    """Empty: the newest run of the task below ./runs."""
    weights: tuple[float, ...] = ()
    """Empty: all equal."""
    tasks: tuple[str, ...] = ()
    """The task that each run's rationales are learned as. Empty: the one rationale task."""
    mean: Mean = "arithmetic"


@dataclass(frozen=True)
class Selection:
    """Which of the training rows are used."""

    fraction: float = 1.0
    seed: int = 0
    """Of the order that the fraction is a prefix of."""
    drop_overlap: bool = False


@dataclass(frozen=True)
class SoftTargets:
    """Distributions that the student learns besides texts. A weight of 0: none."""

    weight: float = 0.0
    temperature: float = 1.0
    divergence: Divergence = "forward"
    teachers: tuple[str, ...] = ()
    """Models that give a distribution for every token. Empty: distributions over labels."""
    teacher_weights: tuple[float, ...] = ()
    mean: Mean = "arithmetic"
    top_k: int | None = None
    cache: Path | None = None
    cache_gb: float = 10.0

    @property
    def over_labels(self) -> bool:
        """Whether the teachers' label distributions are learned."""
        return self.weight > 0 and not self.teachers


@dataclass(frozen=True)
class Recipe:
    """What the student learns from an example and its answers."""

    method: Method
    labels: LabelSource
    alpha: float
    alpha_schedule: AlphaSchedule
    loss_mean: LossMean
    rationale_shares: Mapping[str, float]
    """Every rationale task with its share of 1 - alpha."""
    prefixes: Mapping[str, str]
    """The prefix of every task, the label task first."""
    task_prefix: TaskPrefix
    rationale_filter: RationaleFilter
    rationale_frac: float
    rationales_per_example: int
    max_rationale_tokens: int | None
    may_fall_back: bool
    """Whether the method becomes `standard` where it finds no rationale to learn."""
    soft: SoftTargets


@dataclass(frozen=True)
class Optimization(Preset):
    """How weights are trained: the student's preset with the given flags in its place."""

    optimizer: Optimizer = "adamw"
    precision: Precision = "auto"
    dropout: float | None = None
    """None: the model's own."""
    lora_rank: int | None = None
    gradient_checkpointing: bool = False
    shard: bool = False
    micro_batch_tokens: int | None = None
    """None: found out."""


@dataclass(frozen=True)
class Validation:
    """How the best checkpoint is chosen."""

    select_by: SelectBy
    labels: LabelSource
    """The labels that predictions on validation are compared with."""
    max_examples: int | None
    decode: Decode
    score_norm: ScoreNorm = "sum"


@dataclass(frozen=True)
class Training:
    """Everything that is chosen for one student."""

    student: str
    """Hub name, folder, or built-in."""
    seed: int
    selection: Selection
    recipe: Recipe
    optimization: Optimization
    validation: Validation
    report_to: tuple[str, ...] = ()
