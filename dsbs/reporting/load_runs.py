"""Read run folders into comparisons, teachers and runs: all that a report is made from.

Everything is found relative to the run folders, so folders that were moved can be reported too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import Manifest, manifests_below, read_manifest
from dsbs.artifacts.predictions import (
    PREDICTIONS,
    read_groups,
    read_input_hashes,
    read_verdicts,
)
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CELLS, CompareResult
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.comparison.cell_results import cell_result, training_seconds
from dsbs.comparison.claims import judge
from dsbs.core.errors import InputError
from dsbs.reporting.collected import Collected, Comparison, Run, Student


def collect(paths: Sequence[Path]) -> Collected:
    """Read runs of compare, train and generate, and the runs of generate that they learned from.

    Train runs of one task become a comparison of their own.

    Raises:
        InputError: A folder is no such run, or has no results yet.
    """
    runs = [_named_run(path) for path in paths]
    trained = [run for run in runs if isinstance(run.manifest.results, TrainResult)]
    comparisons = [_comparison(r) for r in runs if isinstance(r.manifest.results, CompareResult)]
    comparisons += _trained_one_by_one(trained)
    names = numbered([comparison.task for comparison in comparisons])
    comparisons = [replace(c, name=name) for c, name in zip(comparisons, names, strict=True)]
    answers = _answers(runs)
    teachers = {
        run.path: run.manifest.results
        for run in answers
        if isinstance(run.manifest.results, GenerateResult)
    }
    named = {run.path.resolve() for run in runs}
    evaluations = [run for run in map(_evaluation, trained) if run is not None]
    others = [run for run in answers if run.path.resolve() not in named]
    return Collected((*runs, *evaluations, *others), tuple(comparisons), teachers)


def numbered(names: Sequence[str]) -> list[str]:
    """Names of which repeated ones get a number: "cqa", "cqa 2"."""
    return [
        f"{name} {names[: at + 1].count(name)}" if name in names[:at] else name
        for at, name in enumerate(names)
    ]


def _named_run(path: Path) -> Run:
    """A run that the user named."""
    manifest = read_manifest(path)
    where = f"RUNS {path}"
    if manifest.stage not in ("compare", "train", "generate"):
        raise InputError(
            where,
            got=f"a run of {manifest.stage}",
            expected="a run of compare, train or generate",
            fix="name the run that it belongs to",
        )
    if manifest.results is None:
        fix = f"let dsbs {manifest.stage} finish, or run it again"
        raise InputError(where, got="a run without results", expected="one with results", fix=fix)
    return Run(path, manifest)


def _readable(path: Path) -> Manifest[Any] | None:
    """The manifest of a folder that the user did not name; None if it is gone or broken."""
    try:
        return read_manifest(path)
    except InputError:
        return None


def _answers(runs: Iterable[Run]) -> list[Run]:
    """Runs of generate that were named or learned from, each once."""
    places = [
        place
        for run in runs
        for place in (
            [run.path] if run.manifest.stage == "generate" else run.manifest.answer_places(run.path)
        )
    ]
    unique = {place.resolve(): place for place in places}.values()
    found = [(place, _readable(place)) for place in unique]
    return [Run(place, manifest) for place, manifest in found if manifest is not None]


def _first_answers(run: Run) -> Path | None:
    """The run folder of the first teacher."""
    return next(iter(run.manifest.answer_places(run.path)), None)


def _comparison(run: Run) -> Comparison:
    results: CompareResult = run.manifest.final
    students = tuple(
        _student(cell, run.path / CELLS / cell.name, run.path / (cell.predictions or ""))
        for cell in results.cells
    )
    return Comparison(results.task, run.path, results, students, _first_answers(run))


def _trained_one_by_one(runs: Sequence[Run]) -> list[Comparison]:
    """One comparison per task of students that were trained and measured one by one."""
    tasks = dict.fromkeys(run.manifest.final.task for run in runs)
    return [_of_task(task, [r for r in runs if r.manifest.final.task == task]) for task in tasks]


def _of_task(task: str, runs: Sequence[Run]) -> Comparison:
    measured = [(run, found) for run in runs if (found := _evaluation(run)) is not None]
    if not measured:
        raise InputError(
            "RUNS",
            got=f"students of {task} not measured on test",
            expected="measured ones",
            fix="run dsbs evaluate --run on them first",
        )
    _check_same_questions([evaluation for _, evaluation in measured])
    students = tuple(_measured_student(run, evaluation) for run, evaluation in measured)
    first: EvaluateResult = measured[0][1].manifest.final
    results = CompareResult(
        out=str(runs[0].path),
        task=task,
        equal="steps",
        decode=first.decode,
        score_norm=first.score_norm,
        teacher_accuracy=first.teacher_accuracy,
        teacher_score=first.teacher_score,
        cells=[student.result for student in students],
    )
    return Comparison(
        task, runs[0].path, _judged(results, students), students, _first_answers(runs[0])
    )


def _judged(results: CompareResult, students: Sequence[Student]) -> CompareResult:
    """The results with what their predictions show."""
    predictions = [(s.name, s.predictions) for s in students if s.predictions]
    verdicts = {name: read_verdicts(path) for name, path in predictions}
    groups: dict[str, str] = {}
    for _, path in predictions:
        groups |= read_groups(path)
    return judge(results, verdicts, {}, groups)


def _check_same_questions(evaluations: Sequence[Run]) -> None:
    """InputError where students met other test inputs under one id, and so cannot be paired."""
    known: dict[str, str | None] = {}
    for run in [run for run in evaluations if (run.path / PREDICTIONS).is_file()]:
        for identity, hashed in read_input_hashes(run.path / PREDICTIONS).items():
            if known.setdefault(identity, hashed) != hashed:
                raise InputError(
                    f"RUNS {run.path.parent}",
                    got=f"another test input with id {identity!r} than in {evaluations[0].path}",
                    expected="students that were measured on the same test rows",
                    fix="measure them on one version of the data, or report them one by one",
                )


def _measured_student(run: Run, evaluation: Run) -> Student:
    """A train run with its measurement on test."""
    cell = cell_result(
        run.manifest.final,
        evaluation.manifest.final,
        name=run.path.name,
        out=run.path,
        predictions=str(evaluation.path / PREDICTIONS),
        train_s=training_seconds(run.manifest),
    )
    return _student(cell, run.path, evaluation.path / PREDICTIONS)


def _evaluation(run: Run) -> Run | None:
    """The newest finished measurement on test of a train run."""
    found = [
        Run(folder, manifest)
        for folder, manifest in manifests_below(run.path)
        if isinstance(manifest, Manifest)
        and isinstance(manifest.results, EvaluateResult)
        and manifest.results.split == "test"
        and manifest.status == "done"
    ]
    return max(found, key=lambda run: run.manifest.sequence, default=None)


def _student(cell: CellResult, folder: Path, predictions: Path) -> Student:
    """A student whose own folder may be gone: then without curves, cost and predictions."""
    if cell.is_baseline:
        return Student(cell, predictions if predictions.is_file() else None)
    manifest = _readable(folder) if cell.status == "done" else None
    if manifest is None or not isinstance(manifest.results, TrainResult):
        return Student(cell)
    return Student(cell, predictions if predictions.is_file() else None, manifest)
