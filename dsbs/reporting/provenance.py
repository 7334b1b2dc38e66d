"""Where everything came from: commands, settings, versions, hashes, hardware."""

import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from dsbs.artifacts.manifest import FileRecord, Manifest
from dsbs.artifacts.results.train import TrainResult
from dsbs.core.progress import duration
from dsbs.core.redaction import public_command, public_setting
from dsbs.plots.figure import slug
from dsbs.plots.table import Table
from dsbs.reporting.collected import Collected, Comparison, Run


class Fact(NamedTuple):
    """One line about a run."""

    name: str
    value: str


class Source(NamedTuple):
    """One run as the page shows it."""

    stage: str
    folder: str
    facts: Sequence[Fact]
    tables: Sequence[Table]


def provenance(collected: Collected) -> list[Source]:
    """Every run that the report is made from, and every student of a comparison."""
    return [_source(at, run, collected) for at, run in enumerate(collected.runs, 1)]


def _source(at: int, run: Run, collected: Collected) -> Source:
    manifest = run.manifest
    name = slug("files", manifest.stage, str(at))
    tables = [
        _files_table(f"{name}-read", "Files read", manifest.inputs),
        _files_table(f"{name}-left", "Files written", manifest.outputs),
    ]
    if manifest.stage == "compare":
        alike = [c for c in collected.comparisons if c.path == run.path]
        tables += [_students_table(name, comparison) for comparison in alike]
    with_rows = [table for table in tables if table.rows]
    return Source(manifest.stage, str(run.path), _facts(manifest), with_rows)


def _facts(manifest: Manifest[Any]) -> list[Fact]:
    settings = {
        name: public_setting(value)
        for name, value in manifest.config.items()
        if value not in (None, [], False)
    }
    return [
        Fact("command", shlex.join(public_command(manifest.command))),
        Fact("working folder", manifest.folder),
        Fact("status", manifest.status),
        Fact("started", _time(manifest.started)),
        Fact("finished", _time(manifest.finished) if manifest.finished else "not yet"),
        Fact("took", duration(manifest.wall_s)),
        Fact("hardware", _hardware(manifest)),
        Fact("versions", _lines(manifest.versions)),
        Fact("git revision", manifest.git or "none: not run from a checkout"),
        Fact("settings", _lines(settings)),
    ]


def _hardware(manifest: Manifest[Any]) -> str:
    device = manifest.device
    facts = [str(device.get("machine")), f"{device.get('cpus')} CPUs", str(device.get("system"))]
    if isinstance(manifest.results, TrainResult):
        facts.append(f"trained on {manifest.results.device}")
    return ", ".join(facts)


def _files_table(name: str, title: str, files: Sequence[FileRecord]) -> Table:
    rows = [[file.path, file.bytes, file.sha256] for file in files]
    return Table(name, title, ["file", "bytes", "sha256"], rows)


def _students_table(name: str, comparison: Comparison) -> Table:
    """When, how long and on what each student was trained, and the hash of its weights."""
    rows = []
    for student in comparison.students:
        manifest = student.manifest
        if manifest is None or student.trained is None:
            continue
        weights = [file for file in manifest.outputs if file.path.endswith(".safetensors")]
        rows.append(
            [
                student.name,
                _time(manifest.started),
                duration(manifest.wall_s),
                student.trained.device,
                weights[0].sha256 if weights else None,
            ]
        )
    columns = ["student", "started", "took", "on", "sha256 of its weights"]
    return Table(f"{name}-students", "Students", columns, rows)


def _time(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _lines(values: Mapping[str, Any]) -> str:
    """One value per line; values that are not text as JSON."""
    return "\n".join(
        f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in values.items()
    )
