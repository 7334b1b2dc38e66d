"""Learning curves, read from finished runs of `dsbs compare`."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CompareResult
from dsbs.comparison.cells import counted_cells
from dsbs.comparison.names import levels_of
from dsbs.core.errors import InputError
from dsbs.planning.model_sizes import read_model_config, shape_of, student_shape
from dsbs.scaling.learning_curves import Curve


class Measured(NamedTuple):
    """A trained student: its rows, its accuracy, and where it lies."""

    run: Path
    cell: CellResult
    rows: int
    accuracy: float


class TaskCurves(NamedTuple):
    """The curves of comparisons on one task."""

    task: str
    curves: list[Curve]


def read_curves(runs: Sequence[Path]) -> TaskCurves:
    """The curves of comparisons. Cells that failed are ignored.

    Raises:
        InputError: for runs of other commands, and for comparisons that differ in more than data,
            student, method and labels.
    """
    found: dict[tuple[Hashable, ...], list[Measured]] = {}
    first: tuple[str, str, str] | None = None
    for run in runs:
        comparison = _read(run)
        settings = (comparison.task, comparison.equal, comparison.decode)
        first = first or settings
        if settings != first:
            got = "task {}, equal {}, labels read by {}".format(*settings)
            expected = "the same as in the first run"
            fix = "forecast unlike runs one by one"
            raise InputError(f"RUNS {run}", got=got, expected=expected, fix=fix)
        for cell in counted_cells(comparison.cells):
            if cell.score is not None and cell.n_train is not None and not cell.is_baseline:
                key = (cell.student, cell.method, cell.labels, *cell.levels.items())
                measured = Measured(run, cell, cell.n_train, cell.score.share)
                found.setdefault(key, []).append(measured)
    if first is None or not found:
        expected = "finished comparisons"
        fix = "run dsbs compare first"
        raise InputError("RUNS", got="no measured cell", expected=expected, fix=fix)
    return TaskCurves(first[0], [_curve(measured) for measured in found.values()])


def _read(run: Path) -> CompareResult:
    manifest = read_manifest(run)
    if not isinstance(manifest.results, CompareResult):
        got = f"a run of {manifest.stage} with status {manifest.status}"
        expected = "a finished run of compare"
        raise InputError(f"RUNS {run}", got=got, expected=expected, fix="check the path")
    return manifest.results


def _curve(measured: Sequence[Measured]) -> Curve:
    first = measured[0]
    # The number of all rows is the least rounded in the largest fraction.
    largest = max(measured, key=lambda one: one.cell.data_frac)
    return Curve(
        student=first.cell.student,
        method=", ".join([first.cell.method, *levels_of(first.cell)]),
        labels=first.cell.labels,
        params=_params(first),
        rows=np.array([one.rows for one in measured], dtype=float),
        accuracy=np.array([one.accuracy for one in measured], dtype=float),
        full_rows=round(largest.rows / largest.cell.data_frac),
    )


def _params(measured: Measured) -> float | None:
    """Parameters without embeddings, by the checkpoint, else by the name of the student."""
    trained = measured.run / "cells" / measured.cell.name / "best" / "config.json"
    if not trained.is_file():
        shape = student_shape(measured.cell.student)
        return float(shape.non_embedding_parameters) if shape else None
    config = read_model_config(trained)
    try:
        return float(shape_of(config).non_embedding_parameters)
    except InputError:
        return None
