"""Train and measure a grid of students, and put them beside each other and the teacher.

    python -m dsbs.compare --answers runs/cqa-palm --methods standard,step_by_step --data-fracs 0.25,1.0 --seeds 0,1
    python -m dsbs.compare --pipeline cqa --answers runs/cqa-palm --student google/t5-v1_1-base --out runs/cqa-compare

Every cell is a train run of its own in cells/. Finished cells are skipped, a failed one does not stop the others, and the
same command takes up what is missing.
"""

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from dsbs.cells import evaluate_run, train_run
from dsbs.cli import Stage
from dsbs.config import CompareConfig, EvaluateConfig, TrainConfig
from dsbs.errors import InputError
from dsbs.material import Material, load_material, student_of
from dsbs.progress import say
from dsbs.rundir import open_run
from dsbs.side_by_side import train_ahead
from dsbs.tables import percent, table

_GROUP = ("student", "labels", "data_frac", "method")
_KEPT = ("n_fraction", "n_train", "epochs", "sequences_seen", "target_tokens", "train_flops", "clipped_share", "selected_by")


def compare(config: CompareConfig) -> dict[str, Any]:
    """Every cell of the grid. Returns `teacher_accuracy`, `cells` and `groups` (means over seeds); see `show`.

    `status` is "failed" where a cell failed; its own error stands in the cell.
    """
    material = load_material(config)
    config = config.model_copy(update={"student": tuple(student_of(name, material.task) for name in config.student)})
    out = config.out or Path("runs") / f"{material.task.name}-compare-{config.slug(material.answers_run.resolve())}"
    run = open_run(out, "compare", config, material.files, answers=str(material.answers_run.resolve()))
    if run.finished is not None:
        say(f"{out} is done already")
        return run.finished
    cells: list[dict[str, Any]] = []
    grid = _matched(config, material)
    if config.jobs > 1:
        train_ahead({out / "cells" / _name(cell): cell for cell in grid}, material.answers_run, config.jobs)
    for number, cell in enumerate(grid, 1):
        say(f"cell {number}/{len(grid)}: {_name(cell)}")
        cells.append(_cell(cell, material, out / "cells" / _name(cell)))
    failed = any(cell["status"] == "failed" for cell in cells)
    results = {
        "out": str(out),
        "task": material.task.name,
        "match": config.match,
        "decode": config.decode,
        "teacher_accuracy": next((c["teacher_accuracy"] for c in cells if c["status"] == "done"), None),
        "cells": cells,
        "groups": groups(cells),
        "status": "failed" if failed else "done",
    }
    if failed:
        run.incomplete(results)
    else:
        run.done(results)
    return results


def groups(cells: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean and standard error over seeds of the cells that are done, in the order of the grid."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[key] for key in _GROUP), []).append(cell)
    return [
        dict(zip(_GROUP, key, strict=True)) | _over_seeds([c for c in same if c["status"] == "done"], len(same))
        for key, same in found.items()
    ]


def show(results: Mapping[str, Any]) -> str:
    """The table of groups, the teacher's own accuracy, and what went wrong."""
    measured = "teacher_agreement" if any("teacher_agreement" in cell for cell in results["cells"]) else "accuracy"
    columns = ["student", "labels", "fraction", "method", "rows", "seeds", measured, "s.e.", "epochs", "target tokens", "FLOPs"]
    rows = []
    for g in results["groups"]:
        what = [g["student"], g["labels"], f"{g['data_frac']:.4g}", g["method"], g["n_train"], f"{g['done']}/{g['seeds']}"]
        scores = [percent(g["mean"]), percent(g["standard_error"])]
        rows.append([*what, *scores, g["epochs"], g["target_tokens"], g["train_flops"]])
    title = f"{results['task']}: test, equal {results['match']}, labels read by {results['decode']}"
    lines = [table(columns, rows, title=title), f"the teacher itself: {percent(results['teacher_accuracy'])}"]
    if any(cell.get("selected_by") == "gold" for cell in results["cells"]):
        lines.append("checkpoints were chosen by gold validation labels")
    lines += [f"failed: {c['name']}: {c['error']}" for c in results["cells"] if c["status"] == "failed"]
    return "\n".join([*lines, f"all in {results['out']}"])


def _cell(config: TrainConfig, material: Material, out: Path) -> dict[str, Any]:
    """Train and measure one cell. Its failure is its result: the other cells go on."""
    known = {key: getattr(config, key) for key in ("method", "labels", "student", "data_frac", "seed")}
    known |= {"name": _name(config), "out": str(out)}
    try:
        trained = train_run(config, material, out)
        measured = evaluate_run(EvaluateConfig(run=out), material)
    except InputError as error:
        return {**known, "n_train": None, "accuracy": None, "status": "failed", "error": str(error)}
    except Exception as error:  # the cells after this one must not be lost to a bug in it
        traceback.print_exc()
        return {**known, "n_train": None, "accuracy": None, "status": "failed", "error": f"{type(error).__name__}: {error}"}
    scores = {key: measured[key] for key in ("n", "correct", "ci95_examples", "unparsable", "teacher_accuracy")}
    what = "accuracy" if "accuracy" in measured else "teacher_agreement"
    kept = {key: trained[key] for key in _KEPT} | {"steps": trained["settings"]["max_steps"]}
    return {**known, "accuracy": None, what: measured[what], **scores, **kept, "status": "done"}


def _over_seeds(done: Sequence[Mapping[str, Any]], seeds: int) -> dict[str, Any]:
    values = [cell["accuracy"] if cell["accuracy"] is not None else cell["teacher_agreement"] for cell in done]
    shared = {key: done[0][key] if done else None for key in ("n_train", "epochs", "target_tokens", "train_flops")}
    return {
        **shared,
        "seeds": seeds,
        "done": len(done),
        "mean": fmean(values) if values else None,
        "standard_error": stdev(values) / len(values) ** 0.5 if len(values) > 1 else None,
    }


def _matched(config: CompareConfig, material: Material) -> list[TrainConfig]:
    """The cells, with the optimiser steps that make them equal in what `match` says.

    `steps`: as configured. `epochs`: as many passes over its own rows as the largest fraction makes. `compute`: as many
    FLOPs as the most expensive method of the same student, labels, fraction and seed spends.
    """
    cells = config.cells()
    if config.match == "steps":
        return cells
    from dsbs.student.plan import plan_training

    plans = [plan_training(material, cell) for cell in cells]
    by_epochs = config.match == "epochs"
    size = [float(len(plan.rows.pairs)) if by_epochs else plan.flops_per_example() for plan in plans]
    alike = [(c.student, c.labels, c.seed, None if by_epochs else c.data_frac) for c in cells]
    most = {key: max(s for s, k in zip(size, alike, strict=True) if k == key) for key in alike}
    # Fewer rows need fewer steps for equal epochs; cheaper examples allow more steps for equal compute.
    shares = [own / most[key] if by_epochs else most[key] / own for own, key in zip(size, alike, strict=True)]
    steps = [max(1, round(plan.settings.max_steps * share)) for plan, share in zip(plans, shares, strict=True)]
    return [cell.model_copy(update={"max_steps": number}) for cell, number in zip(cells, steps, strict=True)]


def _name(cell: TrainConfig) -> str:
    student = cell.student.rstrip("/").rsplit("/", 1)[-1]
    return f"{student}-{cell.method}-{cell.labels}-{cell.data_frac:.6g}-{cell.seed}"


STAGE = Stage("compare", CompareConfig, compare, show)

if __name__ == "__main__":
    STAGE.main()
