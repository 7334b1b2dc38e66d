"""What each question of `plan` is told. Sizes are numbers as people write them: 7B, 770M, 2.2e8, 10k."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsbs.config.base import Listed, StageConfig
from dsbs.core.records import Method
from dsbs.core.sizes import parse_size
from dsbs.scaling.laws import TOKENS_PER_PARAM

Size = Annotated[float, BeforeValidator(parse_size)]
Share = Annotated[float, Field(gt=0, lt=1)]
PLOT_SUFFIXES = (".svg", ".png", ".pdf")


class PlanConfig(StageConfig):
    """What every question can also leave behind."""

    html: Path | None = Field(
        None, description="also write the answer and its figure as one HTML page"
    )
    plot: Path | None = Field(
        None, description="also write the figure: a file name ending in .svg, .png or .pdf"
    )

    @field_validator("plot")
    @classmethod
    def _drawable(cls, value: Path | None) -> Path | None:
        if value is not None and value.suffix not in PLOT_SUFFIXES:
            raise ValueError(f"a file name ending in {', '.join(PLOT_SUFFIXES)}")
        return value


class TeacherPlanConfig(PlanConfig):
    """Which teacher suits a student: two published laws side by side, and your candidates ranked."""

    student: str = Field(
        description="parameters (770M), a T5 by name (t5-v1_1-large), or a folder with config.json"
    )
    student_tokens: Size | None = Field(
        None, description="tokens the student learns from; left out, 20 a parameter"
    )
    tokens_per_param: Size = Field(
        TOKENS_PER_PARAM, description="tokens a parameter that teachers are trained on"
    )
    candidates: Path | None = Field(
        None,
        description="YAML list of teachers: name, size, price_per_million_tokens or price_per_token, loss, accuracy",
    )


class BudgetPlanConfig(PlanConfig):
    """How to split compute between teacher and student, and whether to distil at all."""

    compute: Size = Field(description="floating-point operations to spend, e.g. 1e21")
    scenario: Literal["best-case", "inference", "pretraining", "both"] = Field(
        "both",
        description="what of the teacher is charged: nothing, its passes over the student's data, its training",
    )
    student: str = Field(
        "770M", description="parameters (770M), a T5 by name, or a folder with config.json"
    )


class CostPlanConfig(PlanConfig):
    """What a distillation costs: tokens, money, operations, memory, hours and energy."""

    task: str = Field(
        description="a packaged task (cqa, svamp, asdiv, anli1, esnli) or the path of your own .yaml"
    )
    data: Path | None = Field(
        None, description="rows to measure on; left out, the task's demonstrations"
    )
    rows: Size | None = Field(
        None, description="rows to label; left out, the training rows of --data"
    )
    sample: int = Field(200, ge=1, description="rows of --data to count tokens of")
    teacher: str = Field(
        description="parameters (7B), a folder or a hub name, whose size is read from it (…-8B)"
    )
    tokenizer: str | None = Field(
        None,
        description="the teacher's: folder, tokenizer.json or hub name; left out, the teacher's own if it is here",
    )
    price_in: float | None = Field(None, ge=0, description="money a million prompt tokens")
    price_out: float | None = Field(None, ge=0, description="money a million answer tokens")
    price_cached: float | None = Field(
        None, ge=0, description="money a million cached tokens; left out, --price-in"
    )
    student: str = Field(
        "t5-v1_1-base",
        description="a T5 by name (google/flan-t5-base), a folder with config.json, or tiny",
    )
    student_tokenizer: str | None = Field(
        None, description="the student's; left out, its own if it is here"
    )
    method: Method = Field("step_by_step", description="what the student learns from each answer")
    max_steps: int | None = Field(
        None, ge=1, description="optimiser steps; left out, the student's preset"
    )
    batch_size: int | None = Field(
        None, ge=1, description="examples a step over all devices; left out, the preset's"
    )
    micro_batch_size: int | None = Field(
        None, ge=1, description="sequences a forward pass on one device; default 8"
    )
    optimizer: Literal["adamw", "adafactor", "sgd"] = Field(
        "adamw", description="whose states take memory"
    )
    devices: int = Field(
        8, ge=1, description="devices that share the work, and the states where they are sharded"
    )
    accelerators: Listed[str] = Field(
        ("l4", "a100-80gb", "h100", "h200"),
        description="names from the table in docs/planner.md, or all",
    )
    price_per_hour: float | None = Field(None, ge=0, description="money an hour of one accelerator")
    utilisation: Share = Field(
        0.1, description="share of the peak that training reaches; assumed, so measure yours"
    )
    teacher_utilisation: Share = Field(
        0.4, description="share of the peak that reading prompts reaches; assumed"
    )
    concurrency: int = Field(64, ge=1, description="answers a device writes at once; assumed")


class ForecastPlanConfig(PlanConfig):
    """What more data or a bigger student would bring, from your own comparisons."""

    positional = "runs"

    runs: Listed[Path] = Field(description="run folders of compare, with four or more fractions")
    target: Share = Field(0.85, description="accuracy to reach")
    seed: int = Field(0, ge=0, description="seed of starts and bootstrap")
    samples: int = Field(200, ge=20, description="bootstrap samples")


class LawPlanConfig(PlanConfig):
    """What the distillation law expects of a student, and its parts."""

    n_student: Size = Field(description="the student's parameters without embeddings")
    d_student: Size = Field(description="tokens it learns from")
    teacher_loss: Size | None = Field(
        None, description="the teacher's loss in nats a token; or give --n-teacher"
    )
    n_teacher: Size | None = Field(None, description="the teacher's parameters without embeddings")
    d_teacher: Size | None = Field(
        None, description="tokens the teacher was trained on; left out, 20 a parameter"
    )

    @model_validator(mode="after")
    def _one_teacher(self) -> "LawPlanConfig":
        if (self.teacher_loss is None) == (self.n_teacher is None):
            raise ValueError("teacher_loss: either this or --n-teacher")
        if self.d_teacher is not None and self.n_teacher is None:
            raise ValueError("d_teacher: --n-teacher with it")
        return self


class FitPlanConfig(PlanConfig):
    """Refit a law to a table of your own runs, beside the published coefficients."""

    positional = "table"

    table: Path = Field(
        description="CSV, JSON lines or Parquet with columns N, D, L_S and, for distilled students, L_T"
    )
    law: Literal["supervised", "distillation"] | None = Field(
        None, description="left out, distillation where L_T is filled"
    )
    delta: float | None = Field(
        None, gt=0, description="Huber threshold; left out, 1.345 of the noise (paper: 1e-4)"
    )
    seed: int = Field(0, ge=0, description="seed of starts and bootstrap")
    samples: int = Field(200, ge=20, description="bootstrap samples")
