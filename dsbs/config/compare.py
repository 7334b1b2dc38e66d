"""The settings of `compare`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from dsbs.config.axes import (
    FURTHER,
    Axis,
    AxisName,
    Chosen,
    GridCell,
    Value,
    axis,
    cells_of,
    extra_name,
    extra_parts,
    folder_name,
    matching,
    named,
    runs_of,
    uses_alpha,
    uses_extra,
    uses_rationales,
    uses_teacher,
)
from dsbs.config.base import (
    Duplicates,
    Fraction,
    Incidental,
    Listed,
    NamesInput,
    RayAddress,
    RayCpus,
    RayGpus,
    Seeds,
)
from dsbs.config.baseline_options import BaselineOptions
from dsbs.config.presets import DEFAULT_PREFIXES, NO_PREFIXES
from dsbs.config.recipe_options import RationaleFilter
from dsbs.config.student_options import StudentOptions
from dsbs.config.train import TrainConfig
from dsbs.core.records import LabelSource, Method
from dsbs.core.sizes import parse_size

Equal = Literal["steps", "epochs", "compute"]
"""What the trainings of all methods have in common."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Parameters = Annotated[float, BeforeValidator(parse_size)]


class CompareConfig(BaselineOptions, StudentOptions):
    """Train and measure a grid of students: methods x labels x fractions x seeds."""

    answers: Annotated[Listed[Path], NamesInput] = Field(
        (),
        description="Run folders of generate, one per teacher to compare; A+B: two that teach "
        "together. Default: the newest of the task below ./runs.",
    )
    teacher_sizes: Listed[Parameters] = Field(
        (),
        description="parameters of each teacher of --answers, e.g. 540B,20B; students are then "
        "drawn against them",
    )
    # What is one value of `dsbs train` is an axis here.
    extra_unlabeled: Annotated[Listed[str], NamesInput] = Field(
        (),
        description="further training inputs to compare, each NAME=PATH, or none; A=X+B=Y: both "
        "together",
    )
    alpha: Listed[Share] = Field(  # type: ignore[assignment]
        (0.5,), description="weights of the label task; rationale tasks share 1 - alpha"
    )
    rationale_filter: Listed[RationaleFilter] = Field(  # type: ignore[assignment]
        ("none",),
        description="learn only rationales of answers that are correct, or agree with the vote",
    )
    rationale_frac: Listed[Share] = Field(  # type: ignore[assignment]
        (1.0,), description="shares of the training rows whose rationales are learned"
    )
    rationales_per_example: Listed[Count] = Field(  # type: ignore[assignment]
        (1,), description="most rationales per teacher to learn for each row"
    )
    max_rationale_tokens: Listed[Count | Literal["all"]] = Field(  # type: ignore[assignment]
        ("all",), description="longer rationales keep their first whole words; all: whole ones"
    )
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
    pairs: Listed[AxisName] = Field(
        (),
        description="axes whose values are compared in pairs, each with the axis's first value "
        "(methods: with standard). Default: method, and those of teacher, extra, alpha and the "
        "rationale options that have several values",
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
        (),
        description="cells to leave out, by values of any axes, e.g. step_by_step:gold or "
        "teacher=cqa-palm:alpha=0.3",
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
        """Cells to skip must be in the grid, some must be left, and all must be possible."""
        try:
            cells = self.grid()
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        wrong = [entry for entry in self.skip if not matching(entry, self.axes())]
        if wrong or not (cells or self.baselines_only):
            grid = sorted(f"{method}:{labels}" for method in self.methods for labels in self.labels)
            raise ValueError(f"skip: some, not all, of {', '.join(grid)}, or values of other axes")
        if len(self.teacher_sizes) not in (0, len(self.teachers())):
            raise ValueError("teacher_sizes: one for each teacher of --answers")
        several = [one.name for one in self.axes() if len(one.values) > 1 and one.name != "seed"]
        if not set(self.pairs) <= set(several):
            raise ValueError(
                f"pairs: axes with several values, here {', '.join(several) or 'none'}"
            )
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

    def teachers(self) -> list[tuple[Path, ...]]:
        """The runs of each teacher to compare."""
        return [runs_of(place) for place in self.answers] or [()]

    def teacher_values(self) -> tuple[Value, ...]:
        """Those teachers with their names."""
        return named(self.teachers(), folder_name)

    def axes(self, students: Sequence[str] = (), methods: Sequence[Method] = ()) -> list[Axis]:
        """Every axis of the grid, seeds innermost. Default: all students, all methods."""
        extra = [extra_parts(text) for text in self.extra_unlabeled] or [()]
        lengths = [None if value == "all" else value for value in self.max_rationale_tokens]
        longest = axis("max_rationale_tokens", self.max_rationale_tokens, acts=uses_rationales)
        return [
            axis("student", students or self.student),
            Axis("teacher", "answers", self.teacher_values(), uses_teacher),
            Axis("extra", "extra_unlabeled", named(extra, extra_name), uses_extra),
            axis("labels", self.labels),
            axis("data_frac", self.data_fracs),
            axis("method", methods or self.methods),
            axis("alpha", self.alpha, acts=uses_alpha),
            axis("rationale_filter", self.rationale_filter, acts=uses_rationales),
            axis("rationale_frac", self.rationale_frac, acts=uses_rationales),
            axis("rationales_per_example", self.rationales_per_example, acts=uses_rationales),
            replace(longest, values=tuple(map(Value, self.max_rationale_tokens, lengths))),
            axis("seed", self.seeds),
        ]

    def paired_axes(self) -> tuple[AxisName, ...]:
        """The axes whose values are compared in pairs."""
        several = {one.name for one in self.axes() if len(one.values) > 1}
        return self.pairs or ("method", *(name for name in FURTHER if name in several))

    def grid(self) -> list[GridCell]:
        """Every cell, seeds innermost. The comparison sets their folders."""
        axes = self.axes()
        skipped = [found for entry in self.skip if (found := matching(entry, axes))]
        return [] if self.baselines_only else self._cells(axes, skipped)

    def baseline_grid(self) -> list[GridCell]:
        """What the baselines learn from: the rows and labels of `standard`, once per label source,
        fraction, teacher, extra inputs and seed.
        """
        return self._cells(self.axes(self.student[:1], ("standard",)), []) if self.baselines else []

    def _cells(self, axes: Sequence[Axis], skipped: Sequence[dict[str, str]]) -> list[GridCell]:
        shared = self.model_dump(include=set(StudentOptions.model_fields))
        # Methods are compared at equal steps.
        shared["patience"] = self.patience or 0
        return list(cells_of(axes, shared, skipped=skipped, train=_train_config))


def _train_config(chosen: Chosen) -> TrainConfig:
    """The settings of one cell. Without prefixes only `standard` is trained."""
    bare = chosen["prefixes"] == NO_PREFIXES and chosen["method"] == "standard"
    prefixes = DEFAULT_PREFIXES if chosen["prefixes"] == NO_PREFIXES else chosen["prefixes"]
    return TrainConfig(**{**chosen, "prefixes": NO_PREFIXES if bare else prefixes})
