"""List runs: what they are, how they stand, how old they are, how good their student or teacher is.

python -m dsbs.runs
python -m dsbs.runs runs other/runs --stage compare --json
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from dsbs.artifacts.run_folder import MANIFEST, read_manifest
from dsbs.cli.stage import Stage
from dsbs.config.report import RunsConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import duration
from dsbs.core.tables import percent, table


def runs(config: RunsConfig) -> dict[str, Any]:
    """`runs`, the newest first: `folder`, `stage`, `task`, `status`, `age_s` since its start, `accuracy` and what that is `of`.

    Runs inside runs, the cells of a comparison, are not listed. A manifest that cannot be read has the status "broken".
    """
    found = [_facts(folder) for root in config.roots for folder in _run_folders(root)]
    wanted = [run for run in found if config.stage in (None, run["stage"])]
    return {
        "runs": sorted(
            wanted, key=lambda run: run["age_s"] if run["age_s"] is not None else float("inf")
        )
    }


def show(results: Mapping[str, Any]) -> str:
    """A table, a run a line."""
    columns = ["folder", "stage", "task", "status", "age", "accuracy", "of"]
    rows = [
        [
            *(run[key] for key in ("folder", "stage", "task", "status")),
            None if run["age_s"] is None else duration(run["age_s"]),
            percent(run["accuracy"]),
            run["of"],
        ]
        for run in results["runs"]
    ]
    return table(columns, rows, width=200) if rows else "no runs"


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


def _facts(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = {
        "folder": str(folder),
        "stage": None,
        "task": None,
        "status": "broken",
        "age_s": None,
    }
    try:
        manifest = read_manifest(folder)
    except InputError:
        return {**known, "accuracy": None, "of": None}
    results = manifest.get("results", {})
    age = datetime.now().astimezone() - datetime.fromisoformat(manifest["started"])
    known |= {"stage": manifest["stage"], "task": results.get("task"), "status": manifest["status"]}
    accuracy, of = _accuracy(manifest["stage"], results)
    return {**known, "age_s": age.total_seconds(), "accuracy": accuracy, "of": of}


def _accuracy(stage: str, results: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """The accuracy that tells most of a run of this stage, and of what it is."""
    if stage == "train":
        return results.get("best_validation_accuracy"), "validation"
    if stage == "evaluate":
        return results.get("accuracy", results.get("teacher_agreement")), results.get("split")
    if stage == "compare":
        best = max(
            (g for g in results.get("groups", ()) if g["mean"] is not None),
            key=lambda g: g["mean"],
            default=None,
        )
        return (
            (best["mean"], f"test, best: {best['method']}, {best['data_frac']:.4g}")
            if best
            else (None, None)
        )
    splits = results.get("splits", {})
    split = next(
        (
            name
            for name in ("test", *splits)
            if splits.get(name, {}).get("teacher_accuracy") is not None
        ),
        None,
    )
    return (splits[split]["teacher_accuracy"], f"teacher, {split}") if split else (None, None)


STAGE = Stage("runs", RunsConfig, runs, show)

if __name__ == "__main__":
    STAGE.main()
