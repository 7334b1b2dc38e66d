"""What `train` is given."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from dsbs.config.base import Fraction, Incidental, Seed
from dsbs.config.presets import NO_PREFIXES
from dsbs.config.student_options import StudentOptions
from dsbs.core.records import LabelSource, Method


class TrainConfig(StudentOptions):
    """Train one student by one method on a fraction of the data."""

    student: str = Field(
        "auto",
        description="Hub name, folder, or built-in: tiny, tinier, quickstart, tiny-gemma, ... "
        "auto: the task's own, else tiny.",
    )
    method: Method = Field(
        "step_by_step",
        description="What the student learns from each answer. "
        "pinto reads the teacher's rationale, in use too.",
    )
    labels: LabelSource = Field("gold", description="Whose labels the student learns.")
    data_frac: Fraction = Field(
        1.0, description="Share of the training rows, above 0 and at most 1."
    )
    seed: Seed = Field(
        0, description="Seed of the first weights, the order and the fraction's rows."
    )
    out: Annotated[Path | None, Incidental] = Field(
        None, description="Run folder. Default: runs/<task>-<method>-<hash>."
    )

    @model_validator(mode="after")
    def _tasks_told_apart(self) -> "TrainConfig":
        """Only `standard` has a single task and no mark in its target."""
        if self.prefixes == NO_PREFIXES and self.method != "standard":
            why = f"two different ones, as {self.method} tells its parts apart by them"
            raise ValueError(f"prefixes: {why}; only standard can do without")
        return self
