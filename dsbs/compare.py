"""Train and measure a grid of students, and put them beside each other and the teacher.

    python -m dsbs.compare --answers runs/cqa-palm --methods standard,step_by_step --data-fracs 0.25,1.0 --seeds 0,1
    python -m dsbs.compare --pipeline cqa --answers runs/cqa-palm --student google/t5-v1_1-base --out runs/cqa-compare
    python -m dsbs.compare --answers runs/cqa-palm --seeds 0,1,2,3,4 --tune lr --also-equal compute

Every cell is a train run of its own in cells/. Finished cells are skipped, a failed one does not stop the others, and the
same command takes up what is missing.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dsbs.artifacts.predictions import read_verdicts
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.run_folder import open_run
from dsbs.cli.stage import Stage
from dsbs.comparison import findings
from dsbs.comparison.claims import detectable, judge
from dsbs.comparison.data_efficiency import data_needed
from dsbs.comparison.findings import method_name
from dsbs.comparison.grid import Cell, make_cells, run_cell, train_cell, tune
from dsbs.comparison.launch_local import longest_first, train_ahead
from dsbs.comparison.launch_ray import train_on_ray
from dsbs.comparison.live_table import Board
from dsbs.config.compare import CompareConfig
from dsbs.config.recipe import answer_sources, data_source, student_of
from dsbs.config.train import TrainConfig
from dsbs.core.progress import say
from dsbs.core.require import check_installed
from dsbs.core.tables import percent, span, table
from dsbs.data import near_duplicates
from dsbs.distillation.labeled_data import TrainingData, load_training_data

_PACKAGES = ("torch", "transformers", "accelerate", "scipy", "statsmodels")


def compare(config: CompareConfig) -> CompareResult:
    """Every cell of the grid. Returns `cells`, `groups` (over seeds), `claims`, `data_needed`, `teacher_accuracy` and more.

    `status` is "incomplete" where a cell failed; its own error stands in the cell.
    """
    check_installed(*_PACKAGES, extra="train", needed_by="dsbs compare")
    data = load_training_data(data_source(config), answer_sources(config))
    config = config.model_copy(
        update={"student": tuple(student_of(name, data.task) for name in config.student)}
    )
    out = config.out or Path("runs") / f"{data.task.name}-compare-{config.slug(*data.answer_names)}"
    with open_run(out, CompareResult, config, data.files, answers=data.answer_folders) as run:
        if run.finished is not None:
            say(f"{out} is done already")
            return run.finished
        teacher = data.teacher_verdicts("test")
        _say_detectable(data, teacher)
        results = CompareResult.model_validate(_compared(config, data, teacher, out))
        run.finish(results, status=results.status)
        return results


def _compared(
    config: CompareConfig, data: TrainingData, teacher: Mapping[str, bool], out: Path
) -> dict[str, Any]:
    """Train and measure every cell, and judge them."""
    grid, tuning = make_cells(config, data), list[dict[str, Any]]()
    if config.tune:
        grid, tuning = tune(grid, lambda cell: _trained(cell, data, out))
    _train_ahead(
        config, {out / "cells" / cell.name: cell.config for cell in grid}, data.answer_names
    )
    cells = _run_all(grid, data, out)
    verdicts = {
        cell["name"]: read_verdicts(out / cell["predictions"])
        for cell in cells
        if cell["status"] == "done"
    }
    failed = any(cell["status"] == "failed" for cell in cells)
    return {
        "out": str(out),
        "task": data.task.name,
        "equal": config.equal,
        "decode": config.decode,
        "teacher_accuracy": next(
            (c["teacher_accuracy"] for c in cells if c["status"] == "done"), None
        ),
        "tuning": tuning,
        "cells": cells,
        **judge(cells, verdicts),
        "data_needed": data_needed(cells, verdicts, teacher),
        "duplicates": near_duplicates.find_duplicates(
            data.splits.get("train", ()), data.splits.get("test", ()), config.duplicates
        ),
        "teacher": {
            split: found for split, found in data.teacher.splits.items() if split != "extra"
        },
        "status": "incomplete" if failed else "done",
    }


def show(results: Mapping[str, Any]) -> str:
    """The table of groups, then a sentence for everything that may be said of it, and what to be careful about."""
    lines = [_groups_table(results), f"the teacher itself: {percent(results['teacher_accuracy'])}"]
    lines += [_tuned(row, results["equal"]) for row in results["tuning"] if row["chosen"]]
    lines += [*findings.findings(results), *findings.cautions(results)]
    return "\n".join([*lines, f"all in {results['out']}"])


def _train_ahead(
    config: CompareConfig, cells: Mapping[Path, TrainConfig], answers: Sequence[str]
) -> None:
    """Train side by side what can be; what is left or has failed is met by the comparison itself."""
    cells = longest_first(cells)
    if config.launcher == "ray":
        train_on_ray(
            cells,
            answers,
            address=config.ray_address,
            cpus_each=config.ray_cpus,
            gpus_each=config.ray_gpus,
        )
    elif config.jobs > 1:
        train_ahead(cells, answers, config.jobs)


def _run_all(grid: Sequence[Cell], data: TrainingData, out: Path) -> list[dict[str, Any]]:
    cells = []
    with Board([cell.name for cell in grid]) as board:
        for cell in grid:
            board.start(cell.name)
            cells.append(run_cell(cell, data, out))
            board.finish(cell.name, cells[-1])
    return cells


def _trained(cell: Cell, data: TrainingData, out: Path) -> dict[str, Any]:
    say(f"tuning: {cell.name}")
    return train_cell(cell, data, out)


def _say_detectable(data: TrainingData, teacher: Mapping[str, bool]) -> None:
    """What the test set can show, before anything is spent on it."""
    if test := data.splits.get("test"):
        accuracy = sum(teacher.values()) / len(teacher) if teacher else 0.5
        say(findings.detectable_sentence(detectable(len(test), accuracy=accuracy)))


def _groups_table(results: Mapping[str, Any]) -> str:
    measured = (
        "teacher_agreement"
        if any("teacher_agreement" in cell for cell in results["cells"])
        else "accuracy"
    )
    columns = [
        "student",
        "labels",
        "fraction",
        "method",
        "rows",
        "seeds",
        measured,
        "s.e.",
        "ci95_seeds",
        "ci95_examples",
    ]
    columns += ["learning rate", "epochs", "target tokens", "FLOPs"]
    rows = []
    for g in results["groups"]:
        what = [
            g["student"],
            g["labels"],
            f"{g['data_frac']:.4g}",
            method_name(g, results["equal"]),
            g["n_train"],
        ]
        scores = [f"{g['done']}/{g['seeds']}", percent(g["mean"]), percent(g["standard_error"])]
        intervals = [span(g["ci95_seeds"]), span(g["ci95_examples"])]
        rows.append(
            [
                *what,
                *scores,
                *intervals,
                g["learning_rate"],
                g["epochs"],
                g["target_tokens"],
                g["train_flops"],
            ]
        )
    title = f"{results['task']}: test, equal {results['equal']}, labels read by {results['decode']}"
    return table(columns, rows, title=title, width=200)


def _tuned(row: Mapping[str, Any], match: str) -> str:
    rate, accuracy = f"{row['learning_rate']:.3g}", percent(row["validation_accuracy"])
    who = f"{method_name(row, match)} ({row['student']}, {row['labels']} labels)"
    return f"learning rate of {who}: {rate}, {accuracy} on validation"


STAGE = Stage("compare", CompareConfig, compare, show)

if __name__ == "__main__":
    STAGE.main()
