"""List runs: what they are, how they stand, how old they are, how good their student or teacher is.

python -m dsbs.runs
python -m dsbs.runs runs other/runs --stage compare --json
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel

from dsbs.artifacts.manifest import MANIFEST, Manifest, read_manifest
from dsbs.artifacts.results.base import Result
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.cli.stage import Stage
from dsbs.config.report import RunsConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import duration
from dsbs.core.tables import percent, table


class RunRow(BaseModel):
    """One run folder. `status` is "broken" where its manifest cannot be read.

    `problem` says why, or why the run failed.
    """

    folder: str
    stage: str | None = None
    task: str | None = None
    status: str = "broken"
    age_s: float | None = None
    accuracy: float | None = None
    of: str | None = None
    """What the accuracy is of: a split, or the teacher."""
    problem: str | None = None


class RunsResult(BaseModel):
    """The runs that were found, the newest first."""

    runs: list[RunRow]


class _Accuracy(NamedTuple):
    value: float | None = None
    of: str | None = None


def runs(config: RunsConfig) -> RunsResult:
    """Every run below the folders, the newest first, without the cells of comparisons."""
    found = [_row(folder) for root in config.roots for folder in _run_folders(root)]
    wanted = [run for run in found if config.stage in (None, run.stage)]
    ages = {id(run): float("inf") if run.age_s is None else run.age_s for run in wanted}
    return RunsResult(runs=sorted(wanted, key=lambda run: ages[id(run)]))


def show(results: RunsResult) -> str:
    """A table with one run per line, and why some are broken or failed."""
    if not results.runs:
        return "no runs"
    columns = ["folder", "stage", "task", "status", "age", "accuracy", "of"]
    rows = []
    for run in results.runs:
        age = None if run.age_s is None else duration(run.age_s)
        facts = [run.folder, run.stage, run.task, run.status, age]
        rows.append([*facts, percent(run.accuracy), run.of])
    problems = [f"{run.status}: {run.problem}" for run in results.runs if run.problem]
    return "\n".join([table(columns, rows, width=200), *problems])


def _run_folders(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise InputError(
            "ROOTS",
            got=str(root),
            expected="a folder",
            fix="name the folder that holds run folders",
        )
    if (root / MANIFEST).is_file():
        yield root
        return
    for path in sorted(root.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _run_folders(path)


def _row(folder: Path) -> RunRow:
    try:
        manifest: Manifest[Result] = read_manifest(folder)
    except InputError as error:
        return RunRow(folder=str(folder), problem=str(error))
    age = datetime.now().astimezone() - manifest.started
    accuracy = _accuracy(manifest.results)
    return RunRow(
        folder=str(folder),
        stage=manifest.stage,
        task=getattr(manifest.results, "task", None),
        status=manifest.status,
        age_s=age.total_seconds(),
        accuracy=accuracy.value,
        of=accuracy.of,
        problem=f"{folder}: {manifest.problem}" if manifest.problem else None,
    )


def _accuracy(results: Result | None) -> _Accuracy:
    """The accuracy that tells most of a run, and what it is of."""
    match results:
        case TrainResult():
            return _Accuracy(results.best_validation_accuracy, "validation")
        case EvaluateResult():
            return _Accuracy(results.share, results.split)
        case CompareResult():
            done = [group for group in results.groups if group.mean is not None]
            best = max(done, key=lambda group: group.mean or 0.0, default=None)
            return (
                _Accuracy(best.mean, f"test, best: {best.method}, {best.data_frac:.4g}")
                if best
                else _Accuracy()
            )
        case GenerateResult():
            splits = [name for name in ("test", *results.splits) if name in results.splits]
            scored = [name for name in splits if results.splits[name].teacher_accuracy is not None]
            return (
                _Accuracy(results.splits[scored[0]].teacher_accuracy, f"teacher, {scored[0]}")
                if scored
                else _Accuracy()
            )
    return _Accuracy()


STAGE = Stage("runs", RunsConfig, runs, show)

if __name__ == "__main__":
    STAGE.main()
