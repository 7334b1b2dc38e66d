"""The planner asked as a user asks it, and runs for it to read."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np

from dsbs.plan import STAGE
from dsbs.scaling import laws

QUESTIONS: dict[str, list[str]] = {
    "teacher": ["--student", "770M"],
    "budget": ["--compute", "1e21", "--student", "1B", "--scenario", "inference"],
    "cost": ["--task", "svamp", "--rows", "10k", "--teacher", "7B"],
    "law": ["--n-student", "1e9", "--d-student", "2e10", "--teacher-loss", "2.0"],
}


def ask(question: str, *arguments: str) -> dict[str, Any]:
    """What the question answers to a command line, without a process of its own."""
    stage = STAGE.question(question)
    return stage.run(stage.parse(list(arguments)))


def write_run(
    folder: Path,
    *,
    task: str = "farm",
    floor: float = 0.15,
    seeds: int = 3,
    noise: float = 0.01,
    **cell: Any,
) -> Path:
    """A finished comparison whose accuracy follows a power law of rows: 1 - floor - 6 / rows^0.5, and noise."""
    rng = np.random.default_rng(0)
    cells = [
        {
            "name": f"{f}-{s}",
            "student": "t5-small",
            "method": "standard",
            "labels": "gold",
            "data_frac": f,
            "seed": s,
        }
        | {
            "n_train": round(8000 * f),
            "accuracy": float(1 - floor - 6 / (8000 * f) ** 0.5 + noise * rng.standard_normal()),
        }
        | {"status": "done"}
        | cell
        for f in (0.05, 0.075, 0.125, 0.2, 0.275, 0.375, 0.5)
        for s in range(seeds)
    ]
    results = {"task": task, "equal": "steps", "decode": "generate", "cells": cells}
    folder.mkdir()
    (folder / "manifest.json").write_text(
        json.dumps({"stage": "compare", "status": "done", "results": results})
    )
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
