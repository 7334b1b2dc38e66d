"""One cell of a comparison: a student to train and to measure.

This is the one place of the package that knows the settings of `dsbs train`: processes of their own
get them as a file, and run folders record them.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from dsbs.artifacts.results.base import CellKey
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CELLS, Tuned
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.config.axes import Level
from dsbs.config.compare import Equal
from dsbs.config.evaluate import EvaluateConfig
from dsbs.config.presets import base_name
from dsbs.config.recipe import Training
from dsbs.config.resolve import training_of
from dsbs.config.train import TrainConfig
from dsbs.distillation.labeled_data import TrainingData
from dsbs.evaluation.run import evaluate_run
from dsbs.tasks.task import Task
from dsbs.training.run import train_run


class Job(NamedTuple):
    """A training for `dsbs train` in a process of its own."""

    name: str
    steps: int
    out: Path
    settings: dict[str, JsonValue]
    """The settings of the command, as a file for --config."""


class Size(NamedTuple):
    """What a cell is to be trained on."""

    rows: int
    flops_per_example: float


@dataclass(frozen=True)
class Cell:
    """One student to train and to measure."""

    settings: TrainConfig
    """Those of `dsbs train`; other modules read the resolved `training`."""
    task: Task
    equal: Equal
    """What its number of steps makes equal among the methods."""
    marks: tuple[str, ...] = ()
    """What else sets it apart; part of its name."""
    levels: Mapping[str, Level] = field(default_factory=dict)
    """Its values of further axes; part of its name too."""

    @cached_property
    def training(self) -> Training:
        """What to train, with every value resolved."""
        return training_of(self.settings, self.task)

    @property
    def key(self) -> CellKey:
        """Student, method, labels, fraction and seed."""
        return CellKey(
            student=self.training.student,
            method=self.training.recipe.method,
            labels=self.training.recipe.labels,
            data_frac=self.training.selection.fraction,
            seed=self.training.seed,
        )

    @property
    def name(self) -> str:
        """Its folder: student, method, labels, fraction, seed, marks and further values."""
        key = self.key
        facts = (base_name(key.student), key.method, key.labels, f"{key.data_frac:.6g}")
        further = [slug_of(f"{axis}-{level}") for axis, level in self.levels.items()]
        return "-".join([*facts, str(key.seed), *self.marks, *further])

    @property
    def kind(self) -> tuple[Hashable, ...]:
        """What cells with the same learning rate share."""
        key = self.key
        return (key.student, key.labels, key.method, self.equal, *self.levels.items())

    @property
    def learning_rate(self) -> float:
        """The learning rate as given, or the student's preset."""
        return self.training.optimization.learning_rate

    @property
    def steps(self) -> int:
        """Optimizer steps as given, or the student's preset."""
        return self.training.optimization.max_steps

    def with_rate(self, rate: float) -> "Cell":
        """The same cell trained at this learning rate."""
        settings = self.settings.model_copy(update={"learning_rate": rate})
        return replace(self, settings=settings, marks=(*self.marks, f"lr{rate:.3g}"))

    def with_steps(self, steps: int) -> "Cell":
        """The same cell trained for this number of steps."""
        return replace(self, settings=self.settings.model_copy(update={"max_steps": steps}))

    def folder(self, out: Path) -> Path:
        """Its run folder inside that of the comparison."""
        return out / CELLS / self.name

    def size(self, data: TrainingData) -> Size:
        """What it is to be trained on. This reads and tokenizes the rows."""
        from dsbs.training.prepare import prepare

        prepared = prepare(self.training, data)
        return Size(len(prepared.rows.pairs), prepared.costs.flops_per_example)

    def job(self, data: TrainingData, out: Path) -> Job:
        """Its training for a process of its own."""
        settings: dict[str, JsonValue] = {
            **self.settings.model_dump(mode="json", exclude_none=True),
            "answers": list(data.answer_names),
            "out": str(self.folder(out)),
        }
        return Job(self.name, self.steps, self.folder(out), settings)

    def train(self, data: TrainingData, out: Path) -> TrainResult:
        """Train it, unless that is done already."""
        return train_run(self.training, data, self.folder(out), settings=self.settings)

    def measure(self, data: TrainingData, out: Path) -> EvaluateResult:
        """Measure it on test, unless that is done already."""
        folder = self.folder(out)
        return evaluate_run(folder, data, settings=EvaluateConfig(run=folder))

    def failed(self, out: Path, error: str) -> CellResult:
        """The result of a cell that could not be trained or measured."""
        key = self.key
        return CellResult(
            student=key.student,
            method=key.method,
            labels=key.labels,
            data_frac=key.data_frac,
            seed=key.seed,
            equal=self.equal,
            **self.levels,
            name=self.name,
            learning_rate=self.learning_rate,
            out=str(self.folder(out)),
            status="failed",
            error=error,
        )

    def tried(self, trained: TrainResult | None) -> Tuned:
        """What the search for a learning rate keeps of a training; None for one that failed."""
        return Tuned(
            student=self.key.student,
            method=self.key.method,
            labels=self.key.labels,
            equal=self.equal,
            **self.levels,
            name=self.name,
            learning_rate=self.learning_rate,
            status="failed" if trained is None else "done",
            validation_accuracy=trained.best_validation_accuracy if trained else None,
        )


def slug_of(text: str) -> str:
    """A text as a part of a folder's name."""
    return re.sub(r"[^\w.+-]+", "-", text)
