"""The settings of `compare`."""

import itertools
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dsbs.config.base import (
    Duplicates,
    Fraction,
    Incidental,
    Listed,
    RayAddress,
    RayCpus,
    RayGpus,
    Seeds,
)
from dsbs.config.student_options import StudentOptions
from dsbs.config.train import TrainConfig
from dsbs.core.records import LabelSource, Method

Equal = Literal["steps", "epochs", "compute"]
"""What the trainings of all methods have in common."""


class CompareConfig(StudentOptions):
    """Train and measure a grid of students: methods x labels x fractions x seeds."""

    student: Listed[str] = Field(
        ("auto",), description="hub names, folders or built-ins; auto: the task's own, else tiny"
    )
    methods: Listed[Method] = Field(("standard", "step_by_step"), description="methods to compare")
    labels: Listed[LabelSource] = Field(("gold",), description="whose labels students learn")
    data_fracs: Listed[Fraction] = Field((1.0,), description="shares of the training rows")
    seeds: Seeds = Field((0,), description="every cell is trained once per seed")
    equal: Equal = Field(
        "steps",
        description="what all methods have in common: optimizer steps, epochs, or FLOPs (compute)",
    )
    also_equal: Literal["epochs", "compute"] | None = Field(
        None,
        description="train standard a second time, equal to the other methods in this instead",
    )
    tune: Literal["lr"] | None = Field(
        None,
        description="lr: first choose a learning rate for every method on validation, 3 runs each",
    )
    margin: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="how far below standard on all data, or the teacher, counts as being as good; "
        "0.01 is one point",
    )
    duplicates: Annotated[Duplicates, Incidental] = Field(
        "auto",
        description="look for near-duplicates of test inputs in training; auto: up to 50,000 rows",
    )
    skip: Listed[str] = Field(
        (), description="cells to leave out, as METHOD:LABELS, e.g. step_by_step:gold"
    )
    jobs: Annotated[int, Incidental] = Field(
        1, ge=1, description="local: students to train at the same time, one thread each"
    )
    launcher: Annotated[Literal["local", "ray"], Incidental] = Field(
        "local", description="where students are trained: on this machine, or on a Ray cluster"
    )
    ray_address: Annotated[RayAddress, Incidental] = None
    ray_cpus: Annotated[RayCpus, Incidental] = 1
    ray_gpus: Annotated[RayGpus, Incidental] = None
    out: Annotated[Path | None, Incidental] = Field(
        None, description="run folder. Default: runs/<task>-compare-<hash>"
    )

    @model_validator(mode="after")
    def _known_cells(self) -> "CompareConfig":
        """Cells to skip must be in the grid, and some must be left."""
        grid = {f"{method}:{labels}" for method in self.methods for labels in self.labels}
        if not set(self.skip) <= grid or set(self.skip) == grid:
            raise ValueError(f"skip: some, not all, of {', '.join(sorted(grid))}")
        return self

    @model_validator(mode="after")
    def _something_to_equal(self) -> "CompareConfig":
        """`also_equal` needs standard, a method to equal it to, and another measure."""
        others = set(self.methods) - {"standard"}
        alone = "standard" not in self.methods or not others
        if self.also_equal and (alone or self.also_equal == self.equal):
            expected = "standard and another method in --methods, and a value other than --equal's"
            raise ValueError(f"also_equal: {expected}")
        return self

    def cells(self) -> list[TrainConfig]:
        """The settings of every cell, seeds innermost. The comparison sets their folders."""
        shared = self.model_dump(include=set(StudentOptions.model_fields))
        # Methods are compared at equal steps.
        shared["patience"] = self.patience or 0
        grid = itertools.product(
            self.student, self.labels, self.data_fracs, self.methods, self.seeds
        )
        return [
            TrainConfig(
                **shared,
                student=student,
                labels=labels,
                data_frac=data_frac,
                method=method,
                seed=seed,
            )
            for student, labels, data_frac, method, seed in grid
            if f"{method}:{labels}" not in self.skip
        ]
