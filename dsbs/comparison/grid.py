"""The cells of a comparison: which there are, with how many steps and which learning rate, and what each one gives."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.comparison.claims import cell_scores
from dsbs.config.compare import CompareConfig, Equal
from dsbs.config.evaluate import EvaluateConfig
from dsbs.config.presets import base_name, preset_of
from dsbs.config.recipe import training_of
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.distillation.labeled_data import TrainingData
from dsbs.evaluation.run import evaluate_run
from dsbs.training.run import train_run

TRIED_RATES = (1.0, 1 / 3, 3.0)
"""Of the preset's learning rate, for `--tune lr`. T5 v1.1 at the paper's 5e-5 often never leaves chance on plain labels,
and its authors' own setting amounts to 1e-4; the first wins where several are equally good."""


@dataclass(frozen=True)
class Cell:
    """One student to train and measure. `match`: what its steps make equal among the methods."""

    config: TrainConfig
    equal: Equal
    marks: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its folder: student, method, labels, fraction and seed, with `marks` for what else sets it apart."""
        c = self.config
        student = base_name(c.student)
        return "-".join(
            [student, c.method, c.labels, f"{c.data_frac:.6g}", str(c.seed), *self.marks]
        )

    def with_rate(self, rate: float) -> "Cell":
        """The same cell trained at this learning rate."""
        config = self.config.model_copy(update={"learning_rate": rate})
        return replace(self, config=config, marks=(*self.marks, f"lr{rate:.3g}"))

    def known(self) -> dict[str, Any]:
        """What is known of it before it is trained."""
        told = {
            key: getattr(self.config, key)
            for key in ("method", "labels", "student", "data_frac", "seed")
        }
        return told | {"equal": self.equal, "learning_rate": _rate(self.config), "name": self.name}


def make_cells(config: CompareConfig, data: TrainingData) -> list[Cell]:
    """The grid, and with `also_equal` the standard baseline once more. InputError where there is nothing to match it with."""
    cells = _matched(config.cells(), data, config.equal)
    grid = [Cell(cell, config.equal) for cell in cells]
    if config.also_equal is None:
        return grid
    if (
        "standard" not in config.methods
        or len(set(config.methods)) < 2
        or config.also_equal == config.equal
    ):
        got = f"methods {', '.join(config.methods)} with --equal {config.equal}"
        expected = "standard, another method, and another way to match"
        raise InputError(
            f"--also-equal {config.also_equal}",
            got=got,
            expected=expected,
            fix="change --methods or --equal",
        )
    again = [cell for cell in _matched(cells, data, config.also_equal) if cell.method == "standard"]
    return grid + [Cell(cell, config.also_equal, (config.also_equal,)) for cell in again]


def tune(
    grid: Sequence[Cell], train: Callable[[Cell], Mapping[str, Any]]
) -> tuple[list[Cell], list[dict[str, Any]]]:
    """The grid with each method's best learning rate, and every rate that was tried.

    The same search for all: `TRIED_RATES` times the given or preset rate, on the largest fraction with the first seed,
    chosen by validation. `train` is `train_cell`; the winner's training is taken over by the cell itself. InputError where
    validation has no labels to choose by.
    """
    tried: list[dict[str, Any]] = []
    best: dict[tuple[str, ...], float] = {}
    for kind in dict.fromkeys(map(_kind, grid)):
        alike = [cell for cell in grid if _kind(cell) == kind]
        cell = max(
            alike, key=lambda cell: cell.config.data_frac
        )  # the first seed's, for seeds are innermost
        rates = [float(f"{_rate(cell.config) * factor:.3g}") for factor in TRIED_RATES]
        rows = [_tried(cell.with_rate(rate), train) for rate in rates]
        chosen = max(
            rows,
            key=lambda row: (
                -1.0 if row["validation_accuracy"] is None else row["validation_accuracy"]
            ),
        )
        best[kind] = chosen["learning_rate"]
        tried += [{**row, "chosen": row is chosen} for row in rows]
    return [cell.with_rate(best[_kind(cell)]) for cell in grid], tried


def train_cell(cell: Cell, data: TrainingData, out: Path) -> dict[str, Any]:
    """Train one cell below the comparison `out`. Its failure is its result: the other cells go on."""
    return _attempt(
        lambda: (
            train_run(
                training_of(cell.config, data.task),
                data,
                out / "cells" / cell.name,
                settings=cell.config,
            )
            | {"status": "done"}
        )
    )


def run_cell(cell: Cell, data: TrainingData, out: Path) -> dict[str, Any]:
    """Train and measure one cell: all that a comparison keeps of it."""
    folder = out / "cells" / cell.name
    known = {**cell.known(), "out": str(folder), "accuracy": None, "flags": []}
    trained = train_cell(cell, data, out)
    if trained["status"] == "failed":
        return {**known, **trained, "n_train": None}
    measured = _attempt(
        lambda: evaluate_run(folder, data, settings=EvaluateConfig(run=folder)) | {"status": "done"}
    )
    if measured["status"] == "failed":
        return {**known, **measured, "n_train": None}
    predictions = f"cells/{cell.name}/{Path(measured['out']).name}/{PREDICTIONS}"
    return {**known, **cell_scores(trained, measured), "predictions": predictions, "status": "done"}


def _attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return work()
    except InputError as error:
        return {"status": "failed", "error": str(error)}
    except Exception as error:  # the cells after this one must not be lost to a bug in it
        traceback.print_exc()
        return {"status": "failed", "error": f"{type(error).__name__}: {error}"}


def _tried(cell: Cell, train: Callable[[Cell], Mapping[str, Any]]) -> dict[str, Any]:
    found = train(cell)
    if found["status"] == "done" and found["best_validation_accuracy"] is None:
        fix = "label validation rows, or leave out --tune"
        raise InputError(
            "--tune lr", got="no labelled validation rows", expected="some to choose by", fix=fix
        )
    known = {key: value for key, value in cell.known().items() if key not in ("data_frac", "seed")}
    return known | {
        "status": found["status"],
        "validation_accuracy": found.get("best_validation_accuracy"),
    }


def _kind(cell: Cell) -> tuple[str, ...]:
    return (cell.config.student, cell.config.labels, cell.config.method, cell.equal)


def _rate(config: TrainConfig) -> float:
    preset = preset_of(
        config.student, lora=config.lora_rank is not None, optimizer=config.optimizer
    )
    return preset.learning_rate if config.learning_rate is None else config.learning_rate


def _matched(cells: Sequence[TrainConfig], data: TrainingData, equal: Equal) -> list[TrainConfig]:
    """The cells, with the optimizer steps that make them equal in what `match` says.

    `steps`: as configured. `epochs`: as many passes over its own rows as the largest fraction makes. `compute`: as many
    FLOPs as the most expensive method of the same student, labels, fraction and seed spends.
    """
    if equal == "steps":
        return list(cells)
    from dsbs.training.prepare import prepare

    plans = [prepare(training_of(cell, data.task), data) for cell in cells]
    by_epochs = equal == "epochs"
    size = [
        float(len(plan.rows.pairs)) if by_epochs else plan.costs.flops_per_example for plan in plans
    ]
    alike = [(c.student, c.labels, c.seed, None if by_epochs else c.data_frac) for c in cells]
    most = {key: max(s for s, k in zip(size, alike, strict=True) if k == key) for key in alike}
    # Fewer rows need fewer steps for equal epochs; cheaper examples allow more steps for equal compute.
    shares = [
        own / most[key] if by_epochs else most[key] / own
        for own, key in zip(size, alike, strict=True)
    ]
    steps = [
        max(1, round(plan.training.optimization.max_steps * share))
        for plan, share in zip(plans, shares, strict=True)
    ]
    return [
        cell.model_copy(update={"max_steps": number})
        for cell, number in zip(cells, steps, strict=True)
    ]
