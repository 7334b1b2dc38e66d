"""What `train` is given."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from dsbs.config.base import Fraction, Incidental
from dsbs.config.recipe import StudentOptions
from dsbs.core.records import LabelSource, Method


class TrainConfig(StudentOptions):
    """Train one student by one method on a fraction of the data."""

    student: str = Field(
        "auto",
        description="hub name, folder, or built-in: tiny, quickstart; auto: the task's own, else tiny",
    )
    method: Method = Field("step_by_step", description="what the student learns from each answer")
    labels: LabelSource = Field("gold", description="whose labels it learns")
    data_frac: Fraction = Field(
        1.0, description="share of the training rows, above 0 and at most 1"
    )
    seed: int = Field(0, ge=0, description="seed of weights, order and the fraction's rows")
    out: Annotated[Path | None, Incidental] = Field(
        None, description="run folder; left out, runs/<task>-<method>-<hash>"
    )
