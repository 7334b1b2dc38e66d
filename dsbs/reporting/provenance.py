"""Where everything came from: commands, settings, versions, hashes, hardware."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.core.progress import duration
from dsbs.plots.figure import slug
from dsbs.plots.table import Table
from dsbs.reporting.load_runs import Collected, Comparison, Run


class Source(NamedTuple):
    """One run as the page shows it."""

    stage: str
    folder: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]


def provenance(collected: Collected) -> list[Source]:
    """Every run that the report is made from, and every student of a comparison."""
    found = []
    for at, run in enumerate(collected.runs, 1):
        manifest = run.manifest
        name = slug("files", manifest["stage"], str(at))
        tables = [_files(f"{name}-read", "Files read", manifest.get("inputs", ()))]
        tables.append(_files(f"{name}-left", "Files left", manifest.get("outputs", ())))
        tables += [
            _students(name, c)
            for c in collected.comparisons
            if c.path == run.path and manifest["stage"] == "compare"
        ]
        found.append(
            Source(
                manifest["stage"],
                str(run.path),
                _facts(run),
                [table for table in tables if table.rows],
            )
        )
    return found


def _facts(run: Run) -> list[tuple[str, str]]:
    manifest = run.manifest
    command = shlex.join(manifest["command"])
    facts = [
        ("command", command),
        ("in folder", manifest["folder"]),
        ("status", manifest["status"]),
    ]
    facts += [("started", manifest["started"]), ("finished", manifest.get("finished", "not yet"))]
    facts += [("took", duration(manifest["wall_s"])), ("hardware", _hardware(manifest))]
    facts += [
        ("versions", _pairs(manifest["versions"])),
        ("git revision", manifest["git"] or "not run from a checkout"),
    ]
    settings = {
        key: value for key, value in manifest["config"].items() if value not in (None, [], False)
    }
    return [*facts, ("settings", _pairs(settings))]


def _hardware(manifest: Mapping[str, Any]) -> str:
    device = manifest["device"]
    text = f"{device['machine']}, {device['cpus']} CPUs, {device['system']}"
    trained_on = manifest.get("results", {}).get("device")
    return f"{text}, trained on {trained_on}" if trained_on else text


def _files(name: str, title: str, files: Iterable[Mapping[str, Any]]) -> Table:
    rows = [[file["path"], file["bytes"], file["sha256"]] for file in files]
    return Table(name, title, ["file", "bytes", "sha256"], rows)


def _students(name: str, comparison: Comparison) -> Table:
    """When, how long and on what each student was trained, and the hash of its weights."""
    rows = []
    for cell in comparison.cells:
        manifest = cell.trained.get("manifest")
        if manifest is not None:
            weights = next(
                (file for file in manifest["outputs"] if file["path"].endswith(".safetensors")),
                None,
            )
            trained = [
                manifest["started"],
                duration(manifest["wall_s"]),
                cell.trained["device"] or "not known",
            ]
            rows.append([cell.name, *trained, weights["sha256"] if weights else None])
    return Table(
        f"{name}-students",
        "Students",
        ["student", "started", "took", "on", "sha256 of its weights"],
        rows,
    )


def _pairs(values: Mapping[str, Any]) -> str:
    shown = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in values.items()
    }
    return "\n".join(f"{key}: {value}" for key, value in shown.items())
