"""Train and measure the cells of a comparison, and judge them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from dsbs.artifacts.lock import is_locked
from dsbs.artifacts.manifest import read_manifest
from dsbs.artifacts.predictions import PREDICTIONS, read_verdicts
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CompareResult, Tuned
from dsbs.artifacts.results.compared import TeacherResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.artifacts.results.verdict import Prices
from dsbs.comparison.baseline_cells import BaselineCells, Plan, run_baselines
from dsbs.comparison.cell import Cell, Job
from dsbs.comparison.cell_results import cell_result, training_seconds
from dsbs.comparison.cells import done_cells
from dsbs.comparison.claims import judge
from dsbs.comparison.live_table import LiveTable
from dsbs.comparison.materials import Materials
from dsbs.comparison.tuning import tune
from dsbs.config.axes import AxisName
from dsbs.config.base import Decode, Duplicates, ScoreNorm
from dsbs.config.compare import Equal
from dsbs.core.failures import explained, print_bug
from dsbs.core.memory import give_back_memory
from dsbs.core.progress import say
from dsbs.data.near_duplicates import find_duplicates
from dsbs.distillation.labeled_data import TrainingData

T = TypeVar("T")

_WAIT_S = 60
"""Longest time that trainings of an earlier start may take to end."""


@dataclass(frozen=True)
class Design:
    """What is compared, and how."""

    cells: Sequence[Cell]
    equal: Equal
    tunes_rates: bool
    """Whether every method first gets a learning rate of its own."""
    decode: Decode
    duplicates: Duplicates
    score_norm: ScoreNorm = "sum"
    margin: float = 0.0
    """How far below another method or the teacher counts as being as good."""
    baselines: Plan | None = None
    prices: Prices | None = None
    """What the verdict counts with. None: the defaults."""
    pairs: tuple[AxisName, ...] = ("method",)
    """Axes whose values are compared in pairs."""
    teachers: tuple[TeacherResult, ...] = ()
    train_ahead: Callable[[Sequence[Job]], None] | None = None
    """Trains students in processes of their own. Default: one after the other in this process."""


def compare_students(design: Design, materials: Materials, out: Path) -> CompareResult:
    """Train and measure every cell in a folder below `out`, and judge them.

    Cells that are done are not repeated. A cell that fails has its error as its result, and the
    others go on.
    """
    _wait_for_earlier_trainings(design.cells, out)
    baselines = BaselineCells([], [])
    if design.baselines is not None:  # first, because they take seconds
        baselines = run_baselines(design.baselines, out)
    cells = list(design.cells)
    tried: list[Tuned] = []
    if design.tunes_rates:
        cells, tried = tune(cells, lambda cell: _train_to_tune(cell, materials, out))
    if design.train_ahead is not None and cells:
        # The most expensive come first, so that none of them is left to end alone.
        costly = sorted(cells, key=_cost, reverse=True)
        design.train_ahead([cell.job(materials.of(cell.settings), out) for cell in costly])
    found = [*_run_cells(cells, materials, out), *baselines.cells]
    results = _results(design, materials, found, out)
    results = results.model_copy(update={"tuning": tried, "skipped": baselines.skipped})
    data = materials.first
    return judge(
        results,
        {c.name: read_verdicts(out / c.predictions) for c in done_cells(found) if c.predictions},
        data.teacher_verdicts("test"),
        {e.id: e.group for e in data.splits.get("test", ()) if e.group is not None},
        teachers={one.name: materials.verdicts_of(one) for one in design.teachers},
        prices=design.prices,
    )


def _results(
    design: Design, materials: Materials, cells: Sequence[CellResult], out: Path
) -> CompareResult:
    """What is known before anything is judged."""
    done = done_cells(cells)
    data = materials.first
    return CompareResult(
        out=str(out),
        task=data.task.name,
        equal=design.equal,
        decode=design.decode,
        score_norm=design.score_norm,
        status="done" if len(done) == len(cells) else "incomplete",
        margin=design.margin,
        teacher_accuracy=done[0].teacher_accuracy if done else None,
        teacher_score=done[0].teacher_score if done else None,
        teachers=list(design.teachers),
        pairs=list(design.pairs),
        cells=list(cells),
        answer_rows=materials.answer_rows,
        duplicates=find_duplicates(data.splits, design.duplicates),
        teacher={name: s for name, s in data.teacher.splits.items() if name != "extra"},
    )


def _run_cells(cells: Sequence[Cell], materials: Materials, out: Path) -> list[CellResult]:
    found = []
    with LiveTable([cell.name for cell in cells]) as shown:
        for cell in cells:
            shown.start(cell.name)
            found.append(_run_cell(cell, materials.of(cell.settings), out))
            shown.finish(found[-1])
    return found


def _run_cell(cell: Cell, data: TrainingData, out: Path) -> CellResult:
    """Train and measure one cell."""
    trained = _attempt(lambda: cell.train(data, out))
    if isinstance(trained, str):
        return cell.failed(out, trained)
    measured = _attempt(lambda: cell.measure(data, out))
    if isinstance(measured, str):
        return cell.failed(out, measured)
    folder = cell.folder(out)
    return cell_result(
        trained,
        measured,
        name=cell.name,
        out=folder,
        predictions=str((folder / Path(measured.out).name / PREDICTIONS).relative_to(out)),
        equal=cell.equal,
        train_s=training_seconds(read_manifest(folder)),
        levels=cell.levels,
    )


def _train_to_tune(cell: Cell, materials: Materials, out: Path) -> TrainResult | None:
    say(f"tuning: {cell.name}")
    trained = _attempt(lambda: cell.train(materials.of(cell.settings), out))
    return None if isinstance(trained, str) else trained


def _attempt(work: Callable[[], T]) -> T | str:
    """The result, or the error as text."""
    try:
        return work()
    except Exception as error:  # a bug in one cell must not lose the cells after it
        if known := explained(error, "this cell"):
            return str(known)
        print_bug(error, "this cell")
        return f"{type(error).__name__}: {error}"
    finally:
        give_back_memory()


def _cost(cell: Cell) -> int:
    """Steps times tasks: what one training takes compared with the others."""
    return cell.steps * (2 if cell.key.method == "step_by_step" else 1)


def _wait_for_earlier_trainings(cells: Sequence[Cell], out: Path) -> None:
    """Wait for trainings of an earlier start: when it is killed, they end a little later."""
    end = time.monotonic() + _WAIT_S
    for folder in [cell.folder(out) for cell in cells]:
        while is_locked(folder) and time.monotonic() < end:
            time.sleep(0.2)
