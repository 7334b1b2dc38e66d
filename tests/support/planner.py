"""The planner asked as a user asks it, and runs for it to read."""

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dsbs.artifacts.manifest import Manifest
from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.cells import CellResult
from dsbs.artifacts.results.compare import CompareResult
from dsbs.cli.stage import plain
from dsbs.plan import STAGE
from dsbs.scaling import laws
from dsbs.scaling.learning_curves import Curve

QUESTIONS: dict[str, list[str]] = {
    "teacher": ["--student", "770M"],
    "budget": ["--compute", "1e21", "--student", "1B", "--scenario", "inference"],
    "cost": ["--task", "svamp", "--rows", "10k", "--teacher", "7B"],
    "law": ["--n-student", "1e9", "--d-student", "2e10", "--teacher-loss", "2.0"],
}


def ask(question: str, *arguments: str) -> dict[str, Any]:
    """What a command line prints with --json, without a process of its own."""
    stage = STAGE.question(question)
    results: dict[str, Any] = plain(stage.run(stage.parse(list(arguments))))
    return results


def write_run(
    folder: Path,
    *,
    task: str = "farm",
    floor: float = 0.15,
    seeds: int = 3,
    noise: float = 0.01,
    **cell: Any,
) -> Path:
    """A finished comparison whose accuracy follows a power law of rows: 1 - floor - 6 / rows^0.5,
    and noise.
    """
    rng = np.random.default_rng(0)
    cells = []
    for fraction in (0.05, 0.075, 0.125, 0.2, 0.275, 0.375, 0.5):
        for seed in range(seeds):
            rows = round(8000 * fraction)
            accuracy = 1 - floor - 6 / rows**0.5 + noise * rng.standard_normal()
            score = Score(n=100_000, correct=round(100_000 * accuracy), ci95_examples=(0.0, 1.0))
            settings = {"method": "standard", "labels": "gold", "equal": "steps"} | cell
            cells.append(
                CellResult(
                    name=f"{fraction}-{seed}",
                    student="t5-small",
                    data_frac=fraction,
                    seed=seed,
                    learning_rate=1e-4,
                    out="",
                    status="done",
                    n_train=rows,
                    score=score,
                    **settings,
                )
            )
    results = CompareResult(out="", task=task, equal="steps", decode="generate", cells=cells)
    started = datetime(2026, 1, 1, tzinfo=UTC)
    manifest = Manifest[CompareResult](
        stage="compare", status="done", started=started, results=results
    )
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A CSV of runs."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def supervised_runs(noise: float) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    sizes = [(n, m * n) for n in np.geomspace(1.5e8, 1e10, 5) for m in (5, 20, 60, 200)]
    return [
        {"N": n, "D": d, "L_S": laws.supervised_loss(n, d) * np.exp(noise * rng.standard_normal())}
        for n, d in sizes
    ]


def simulated_curve(
    rng: np.random.Generator,
    *,
    noise: float = 0.01,
    student: str = "one",
    params: float | None = None,
) -> Curve:
    """Seven fractions of 4,000 rows, three seeds: error = 0.15 + 6 / rows^0.5, larger students
    less.
    """
    rows = np.repeat(4000 * np.array([0.1, 0.15, 0.25, 0.4, 0.55, 0.75, 1.0]), 3)
    error = 0.15 + 6 / rows**0.5 + (0 if params is None else 20 / params**0.5)
    accuracy = 1 - error + noise * rng.standard_normal(len(rows))
    return Curve(student, "standard", "gold", params, rows, accuracy, 8000.0)
