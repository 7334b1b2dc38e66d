"""The settings of each question of `plan`. Sizes are read as people write them: 7B, 770M, 2.2e8."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from dsbs.config.base import Listed, StageConfig
from dsbs.core.records import Method
from dsbs.core.sizes import parse_size
from dsbs.scaling.coefficients import TOKENS_PER_PARAM

Size = Annotated[float, BeforeValidator(parse_size)]
Share = Annotated[float, Field(gt=0, lt=1)]
BootstrapSamples = Annotated[int, Field(ge=20, description="bootstrap samples")]
FitSeed = Annotated[int, Field(ge=0, description="seed of starts and bootstrap")]
PLOT_SUFFIXES = (".svg", ".png", ".pdf")


class PlanConfig(StageConfig):
    """What every question can write besides its answer."""

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
    """Which teacher suits a student: two published laws side by side, and ranked candidates."""

    student: str = Field(
        description="parameters (770M), a T5, Gemma 3, Qwen 3 or SmolLM by name (t5-v1_1-large), "
        "or a folder with config.json",
    )
    student_tokens: Size | None = Field(
        None, description="tokens that the student learns from; default: 20 per parameter"
    )
    tokens_per_param: Size = Field(
        TOKENS_PER_PARAM, description="tokens per parameter that teachers are trained on"
    )
    candidates: Path | None = Field(
        None,
        description="YAML list of teachers with name, size, price_per_million_tokens or "
        "price_per_token, loss, accuracy",
    )
    compare: Listed[Path] = Field(
        (),
        description="run folders of compare, over several teachers or over one each, to test the "
        "law of capacity gap on; sizes are those of --candidates, else in the teachers' names",
    )


class BudgetPlanConfig(PlanConfig):
    """How to split compute between teacher and student, and whether to distill at all."""

    compute: Size = Field(description="floating-point operations to spend, e.g. 1e21")
    scenario: Literal["best-case", "inference", "pretraining", "both"] = Field(
        "both",
        description="which operations of the teacher are charged: none, its passes over the "
        "student's data, its training, or both",
    )
    student: str = Field(
        "770M",
        description="parameters (770M), a T5, Gemma 3, Qwen 3 or SmolLM by name, "
        "or a folder with config.json",
    )


class CostPlanConfig(PlanConfig):
    """What a distillation costs: tokens, money, operations, memory, hours and energy."""

    task: str = Field(
        description="a packaged task (cqa, svamp, asdiv, anli1, esnli) or the path of your .yaml"
    )
    data: Path | None = Field(
        None, description="rows to measure on; default: the task's demonstrations"
    )
    rows: Size | None = Field(
        None, description="rows to label; default: training and validation rows of --data"
    )
    sample_rows: int = Field(200, ge=1, description="rows of --data whose tokens are counted")
    samples: int = Field(1, ge=1, description="answers per row")
    teacher: str = Field(
        description="parameters (7B), or a folder or hub name that ends in its size (...-7B)"
    )
    tokenizer: str | None = Field(
        None,
        description="the teacher's: a folder, a tokenizer.json or a hub name; default: the "
        "teacher's own if it is on this machine, else four characters count as a token",
    )
    price_in: float = Field(0.0, ge=0, description="money for a million prompt tokens")
    price_out: float = Field(0.0, ge=0, description="money for a million generated tokens")
    price_cached: float | None = Field(
        None, ge=0, description="money for a million cached prompt tokens; default: --price-in"
    )
    student: str = Field(
        "t5-v1_1-base",
        description="a T5, Gemma 3, Qwen 3 or SmolLM by name (google/flan-t5-base), "
        "a folder with config.json, or tiny",
    )
    student_tokenizer: str | None = Field(
        None, description="the student's tokenizer; default: its own if it is on this machine"
    )
    method: Method = Field("step_by_step", description="what the student learns from each answer")
    max_steps: int | None = Field(
        None, ge=1, description="optimizer steps; default: the student's preset"
    )
    batch_size: int | None = Field(
        None, ge=1, description="examples per step over all devices; default: the preset's"
    )
    micro_batch_size: int = Field(
        8, ge=1, description="sequences per forward pass on one device, for the memory"
    )
    optimizer: Literal["adamw", "adafactor", "adamw_8bit"] = Field(
        "adamw", description="optimizer whose states take memory"
    )
    devices: int = Field(
        8, ge=1, description="devices that share the work, and the states where they are sharded"
    )
    accelerators: Listed[str] = Field(
        ("l4", "a100-80gb", "h100", "h200"),
        description="names from the table in docs/planner.md, or all",
    )
    price_per_hour: float | None = Field(
        None, ge=0, description="money for an hour of one accelerator"
    )
    price_per_call: float | None = Field(
        None, ge=0, description="money for a call that the student replaces, to break even with"
    )
    months: float = Field(12, gt=0, description="months in which the student is to pay for itself")
    utilization: Share = Field(
        0.1, description="share of the peak that training reaches; assumed, so measure yours"
    )
    teacher_utilization: Share = Field(
        0.4, description="share of the peak that reading prompts reaches; assumed"
    )
    concurrency: int = Field(64, ge=1, description="answers that a device writes at once; assumed")


class ForecastPlanConfig(PlanConfig):
    """What more data or a bigger student would bring, from your own comparisons."""

    positional = "runs"

    runs: Listed[Path] = Field(description="run folders of compare, with four or more fractions")
    target: Share = Field(0.85, description="accuracy to reach")
    seed: FitSeed = 0
    bootstrap_samples: BootstrapSamples = 200


class LawPlanConfig(PlanConfig):
    """What the distillation law expects of a student, and its terms."""

    n_student: Size = Field(description="parameters of the student without embeddings")
    d_student: Size = Field(description="tokens that it learns from")
    teacher_loss: Size | None = Field(
        None, description="loss of the teacher in nats per token; or give --n-teacher"
    )
    n_teacher: Size | None = Field(None, description="parameters of the teacher without embeddings")
    d_teacher: Size | None = Field(
        None, description="tokens that the teacher was trained on; default: 20 per parameter"
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
        description="CSV, JSON lines or Parquet with columns N, D, L_S and, for distilled "
        "students, L_T"
    )
    law: Literal["supervised", "distillation"] | None = Field(
        None, description="default: distillation if any row has L_T"
    )
    delta: float | None = Field(
        None,
        gt=0,
        description="Huber threshold; default: 1.345 deviations of the noise (paper: 1e-4)",
    )
    seed: FitSeed = 0
    bootstrap_samples: BootstrapSamples = 200
