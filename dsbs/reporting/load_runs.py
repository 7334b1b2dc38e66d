"""Read run folders into plain structures: nothing but manifests and Parquet files, of no matter which dsbs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import Manifest, read_manifest
from dsbs.artifacts.predictions import PREDICTIONS, read_verdicts
from dsbs.comparison.claims import cell_scores, judge
from dsbs.comparison.data_efficiency import data_needed
from dsbs.core.errors import InputError

_TRAINED = ("parameters", "processes", "device", "log", "best_step")


@dataclass(frozen=True)
class Run:
    """A run folder and its manifest."""

    path: Path
    manifest: Any


@dataclass(frozen=True)
class Cell:
    """One student of a comparison: its row there, and what its own run folder adds."""

    row: Mapping[str, Any]
    folder: Path
    predictions: Path | None
    trained: Mapping[str, Any] = field(default_factory=dict)
    hours: float | None = None

    @property
    def name(self) -> str:
        return str(self.row["name"])


@dataclass(frozen=True)
class Comparison:
    """Students of one task measured on the same test questions. `results` are those of `compare`; `name` is its own in
    this report: the task, numbered where several are of one task."""

    name: str
    path: Path
    results: Mapping[str, Any]
    cells: tuple[Cell, ...]
    answers: Path | None

    @property
    def task(self) -> str:
        return str(self.results["task"])


@dataclass(frozen=True)
class Collected:
    """All that a report is made from. `teachers` are runs of generate by folder."""

    runs: tuple[Run, ...]
    comparisons: tuple[Comparison, ...]
    teachers: Mapping[Path, Mapping[str, Any]]


def collect(paths: Sequence[Path]) -> Collected:
    """Everything in these runs of compare, train and generate, and in the answers they name.

    Train runs of one task make a comparison of their own. InputError for any other folder.
    """
    runs = [Run(path, read_manifest(path)) for path in paths]
    for run in runs:
        if run.manifest["stage"] not in ("compare", "train", "generate"):
            got, fix = f"a run of {run.manifest['stage']}", "name the run that it belongs to"
            raise InputError(
                f"RUNS {run.path}", got=got, expected="a run of compare, train or generate", fix=fix
            )
        if "results" not in run.manifest:
            fix = f"let dsbs {run.manifest['stage']} finish, or run it again"
            raise InputError(
                f"RUNS {run.path}",
                got="a run without results",
                expected="one that has some",
                fix=fix,
            )
    trained = [run for run in runs if run.manifest["stage"] == "train"]
    comparisons = _named(
        [_comparison(run) for run in runs if run.manifest["stage"] == "compare"]
        + _trained_alone(trained)
    )
    answers = [
        Run(path, read_manifest(path))
        for path in _answers(runs)
        if (path / "manifest.json").is_file()
    ]
    teachers = {run.path: run.manifest["results"] for run in answers if "results" in run.manifest}
    named = {run.path.resolve() for run in runs}
    others = [run for run in answers if run.path.resolve() not in named]
    return Collected(
        (*runs, *filter(None, map(_evaluation, trained)), *others), comparisons, teachers
    )


def numbered(names: Sequence[str]) -> list[str]:
    """Names that occur again get a number: "cqa", "cqa 2"."""
    return [
        f"{name} {names[: at + 1].count(name)}" if name in names[:at] else name
        for at, name in enumerate(names)
    ]


def _named(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    names = numbered([comparison.task for comparison in comparisons])
    return tuple(
        replace(comparison, name=name) for comparison, name in zip(comparisons, names, strict=True)
    )


def _answers(runs: Iterable[Run]) -> list[Path]:
    """Folders of generate runs, named or used, each once."""
    named = [[run.path] if run.manifest["stage"] == "generate" else _teachers(run) for run in runs]
    return list({path.resolve(): path for paths in named for path in paths}.values())


def _teachers(run: Run) -> list[Path]:
    """The generate runs that a train run or a comparison learned from."""
    manifest: Manifest[Any] = run.manifest
    return manifest.answer_places(run.path)


def _comparison(run: Run) -> Comparison:
    results = run.manifest["results"]
    cells = [
        _cell(row, run.path / "cells" / row["name"], run.path / row.get("predictions", ""))
        for row in results["cells"]
    ]
    return Comparison(results["task"], run.path, results, tuple(cells), _teachers(run)[0])


def _trained_alone(runs: Sequence[Run]) -> list[Comparison]:
    """One comparison a task of students that were trained one by one and measured on test."""
    found = []
    for task in dict.fromkeys(run.manifest["results"]["task"] for run in runs):
        cells = [
            cell
            for run in runs
            if run.manifest["results"]["task"] == task and (cell := _measured(run)) is not None
        ]
        if not cells:
            fix = "run dsbs evaluate --run on it first"
            raise InputError(
                "RUNS",
                got=f"students of {task} not measured on test",
                expected="measured ones",
                fix=fix,
            )
        rows = [cell.row for cell in cells]
        verdicts = {
            cell.name: read_verdicts(cell.predictions) for cell in cells if cell.predictions
        }
        known = {
            "task": task,
            "equal": "steps",
            "tuning": [],
            "cells": rows,
            "duplicates": None,
            "teacher": {},
        }
        known |= {"teacher_accuracy": rows[0]["teacher_accuracy"], "decode": rows[0]["decode"]}
        results = known | judge(rows, verdicts) | {"data_needed": data_needed(rows, verdicts, {})}
        first = next(run for run in runs if run.manifest["results"]["task"] == task)
        found.append(Comparison(task, first.path, results, tuple(cells), _teachers(first)[0]))
    return found


def _measured(run: Run) -> Cell | None:
    """A train run as a cell, with its newest measurement on test; None where it has none."""
    trained, evaluated = run.manifest["results"], _evaluation(run)
    if evaluated is None:
        return None
    manifest = evaluated.manifest
    known = {key: trained[key] for key in ("student", "method", "labels", "data_frac", "seed")}
    known |= {
        "name": run.path.name,
        "equal": "steps",
        "out": str(run.path),
        "decode": manifest["results"]["decode"],
    }
    known |= {"learning_rate": trained["settings"]["learning_rate"], "status": "done"}
    return _cell(
        known | cell_scores(trained, manifest["results"]), run.path, evaluated.path / PREDICTIONS
    )


def _evaluation(run: Run) -> Run | None:
    """The newest finished measurement on test of a train run."""
    found = [Run(folder, read_manifest(folder)) for folder in run.path.glob("evaluate-test-*")]
    done = [run for run in found if run.manifest["status"] == "done"]
    return max(done, key=lambda run: str(run.manifest["finished"]), default=None)


def _cell(row: Mapping[str, Any], folder: Path, predictions: Path) -> Cell:
    """A cell whose own folder may be gone: then without curves, cost and answers."""
    if row["status"] != "done" or not (folder / "manifest.json").is_file():
        return Cell(row, folder, None)
    manifest = read_manifest(folder)
    trained = {key: manifest["results"].get(key) for key in _TRAINED} | {"manifest": manifest}
    hours = manifest["wall_s"] / 3600 * (trained["processes"] or 1)
    return Cell(row, folder, predictions if predictions.is_file() else None, trained, hours)
