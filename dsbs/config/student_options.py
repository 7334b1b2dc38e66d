"""How a student is made: the flags that `train` and `compare` share. See docs/training.md."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from dsbs.config.base import Continues, Decode, Incidental, Listed, ScoreNorm
from dsbs.config.recipe_options import RecipeOptions

Optimizer = Literal["adamw", "adafactor", "adamw_8bit"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
SelectBy = Literal["training_labels", "gold"]


def _none_for_auto(value: Any) -> Any:
    return None if value == "auto" else value


_OptionalCount = Annotated[int | None, BeforeValidator(_none_for_auto)]


class StudentOptions(RecipeOptions):
    """What is learned, and how a student is trained, read and chosen."""

    learning_rate: float | None = Field(
        None, gt=0, description="Default: the preset of the student's family."
    )
    max_steps: Annotated[int | None, Continues] = Field(
        None,
        ge=1,
        description="Optimizer steps. More of them in the folder of a run that is done continue it "
        "as a second schedule. Default: the preset's.",
    )
    batch_size: _OptionalCount = Field(
        None,
        ge=1,
        description="Examples per step, over all devices. auto: the preset's. Default: auto.",
    )
    micro_batch_tokens: Annotated[_OptionalCount, Incidental] = Field(
        None,
        ge=1,
        description="Most tokens per forward pass on one device. "
        "auto: the largest size that fits and is still faster. Default: auto.",
    )
    max_input_tokens: int | None = Field(
        None, ge=8, description="Longer inputs are cut. Default: the preset's."
    )
    max_target_tokens: int | None = Field(
        None, ge=2, description="Longer targets are cut. Default: the preset's."
    )
    eval_every: int | None = Field(
        None, ge=1, description="Steps between evaluations on validation. Default: the preset's."
    )
    patience: Annotated[int | None, Continues] = Field(
        None,
        ge=0,
        description="Stop after this many evaluations in a row that are not better, once the "
        "student is above chance; 0: never. Default: the preset's (T5 v1.1: 0); in compare 0, as "
        "methods are compared at equal steps.",
    )
    eval_max_examples: int | None = Field(
        None, ge=1, description="Evaluate on a fixed subset of validation of this size."
    )
    select_by: SelectBy = Field(
        "training_labels",
        description="Labels that choose the best checkpoint. Every table marks gold.",
    )
    decode: Decode = Field(
        "generate",
        description="Read labels by generating text, or by scoring the allowed labels, "
        "as an encoder's always are.",
    )
    score_norm: ScoreNorm = Field(
        "sum",
        description="How scores of labels are made comparable. sum: log-likelihood; mean: per "
        "token; prior: minus that after an empty input.",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="Default: the model's own.")
    precision: Precision = Field(
        "auto", description="auto: bf16 where the device multiplies it faster."
    )
    optimizer: Optimizer = Field("adamw", description="adamw_8bit needs bitsandbytes.")
    lora_rank: int | None = Field(
        None,
        ge=1,
        description="Train low-rank adapters, merged at the end. Default: train all weights.",
    )
    gradient_checkpointing: bool = Field(
        False, description="Compute activations twice: less memory, a fifth more time."
    )
    shard: Annotated[bool, Incidental] = Field(
        False, description="Shard weights, gradients and optimizer states over devices (FSDP)."
    )
    report_to: Annotated[Listed[str], Incidental] = Field(
        ("tensorboard",), description="Where training is logged: tensorboard, wandb, ...; or none."
    )
