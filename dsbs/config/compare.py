"""The settings of `compare`."""

import itertools
from collections.abc import Sequence
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
from dsbs.core.records import Baseline, LabelSource, Method

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
        0.02,
        ge=0,
        lt=1,
        description="how far below another student, a baseline or the teacher counts as being as "
        "good; 0.01 is one point",
    )
    duplicates: Annotated[Duplicates, Incidental] = Field(
        "auto",
        description="look for near-duplicates of test inputs in training; auto: up to 50,000 rows",
    )
    baselines: Listed[Baseline] = Field(
        ("majority", "tfidf"),
        description="what students must beat: majority, tfidf, embedding, input-ablated; "
        "an empty value for none",
    )
    baselines_only: bool = Field(False, description="measure the baselines and train no student")
    embedding_model: Path | None = Field(
        None, description="embedding: folder of an encoder whose sentence embeddings are used"
    )
    ablate_field: Listed[str] = Field(
        (), description="input-ablated: fields of the task that the linear model does not see"
    )
    calls: Annotated[int, Incidental] = Field(
        1_000_000, ge=1, description="verdict: calls over which the cost of training is spread"
    )
    price_per_core_hour: Annotated[float, Incidental] = Field(
        0.05, ge=0, description="verdict: money for a processor core for an hour, in any currency"
    )
    price_per_gpu_hour: Annotated[float, Incidental] = Field(
        2.0, ge=0, description="verdict: money for a GPU for an hour, in the same currency"
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
    def _baselines_have_what_they_need(self) -> "CompareConfig":
        """An encoder, hidden fields, and a baseline where there is no student."""
        if "embedding" in self.baselines and self.embedding_model is None:
            raise ValueError(
                "embedding_model: the folder of an encoder, which --baselines embedding needs"
            )
        if "input-ablated" in self.baselines and not self.ablate_field:
            raise ValueError("ablate_field: a field to hide, which --baselines input-ablated needs")
        if self.embedding_model is not None and "embedding" not in self.baselines:
            raise ValueError("embedding_model: embedding among --baselines, which alone uses it")
        if self.ablate_field and "input-ablated" not in self.baselines:
            raise ValueError("ablate_field: input-ablated among --baselines, which alone uses it")
        if self.baselines_only and not self.baselines:
            raise ValueError("baselines_only: at least one of --baselines")
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
        if self.baselines_only:
            return []
        grid = self._trainings(self.student, self.methods)
        return [cell for cell in grid if f"{cell.method}:{cell.labels}" not in self.skip]

    def baseline_rows(self) -> list[TrainConfig]:
        """Trainings whose rows and labels the baselines learn from: one per label source, fraction
        and seed.
        """
        return self._trainings(self.student[:1], ("standard",))

    def _trainings(self, students: Sequence[str], methods: Sequence[Method]) -> list[TrainConfig]:
        shared = self.model_dump(include=set(StudentOptions.model_fields))
        # Methods are compared at equal steps.
        shared["patience"] = self.patience or 0
        grid = itertools.product(students, self.labels, self.data_fracs, methods, self.seeds)
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
        ]
