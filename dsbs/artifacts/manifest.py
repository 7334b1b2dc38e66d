"""The manifest of a run folder: what was run, on what, with what, and what came of it."""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from dsbs.artifacts.lock import LOCKS_WORK, is_locked
from dsbs.artifacts.results.base import Result, Status
from dsbs.artifacts.results.compare import CompareResult
from dsbs.artifacts.results.contract import ContractResult
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.results.export import ExportResult
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.artifacts.results.train import TrainResult
from dsbs.core.errors import InputError, brief
from dsbs.core.files import find_file, is_path
from dsbs.core.hashing import hash_file

MANIFEST = "manifest.json"
SCHEMA_VERSION = 1
"""Goes up when an older dsbs would misread a manifest; not for a new field with a default."""

STAGES: dict[str, type[Result]] = {
    "generate": GenerateResult,
    "train": TrainResult,
    "evaluate": EvaluateResult,
    "compare": CompareResult,
    "contract": ContractResult,
    "export": ExportResult,
}
"""The commands that leave a manifest, and the model of their results."""

R = TypeVar("R", bound=Result)


class FileRecord(BaseModel):
    """One file: its place, its size and its content."""

    model_config = ConfigDict(frozen=True)

    path: str
    """Relative to the run folder for files inside it, else absolute."""
    relative: str
    """The same place as seen from the run folder, for folders that move together."""
    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path, folder: Path) -> Self:
        """The record of a file that exists, seen from a run folder."""
        relative = relative_to(path, folder)
        return cls(
            path=str(path.resolve()) if relative.startswith("..") else relative,
            relative=relative,
            bytes=path.stat().st_size,
            sha256=hash_file(path),
        )

    def place(self, folder: Path) -> Path | None:
        """Where the file lies now: its old path, else its old place relative to the run folder."""
        places = (folder / self.path, folder / self.relative)
        return next((place for place in places if place.is_file()), None)


class Manifest(BaseModel, Generic[R]):
    """What a run folder says of itself. `results` are None until there are some."""

    model_config = ConfigDict(extra="ignore")

    schema_version: int = SCHEMA_VERSION
    stage: str
    status: Status = "started"
    config: dict[str, JsonValue] = {}
    """All settings as plain values; paths are absolute."""
    inputs: list[FileRecord] = []
    outputs: list[FileRecord] = []
    task_file: FileRecord | None = None
    data: str = ""
    """The setting `data` as seen from this folder, for folders that move together."""
    answers: list[str] = []
    """The generate runs that a student learned from, as seen from this folder."""
    sequence: int = 0
    """Runs of one folder are counted as they finish: the newest has the largest number."""
    command: list[str] = []
    folder: str = ""
    """The working directory of the command."""
    started: datetime
    finished: datetime | None = None
    wall_s: float = 0.0
    cpu_s: float = 0.0
    versions: dict[str, str] = {}
    git: str | None = None
    device: dict[str, JsonValue] = {}
    problem: str = ""
    """Why the run failed."""
    results: R | None = None

    @property
    def final(self) -> R:
        """The results of a run that has some."""
        assert self.results is not None
        return self.results

    def task_place(self, folder: Path) -> Path:
        """Where the task file lies now. Raises InputError where it is gone."""
        name = str(self.config.get("task") or "")
        if name and not is_path(name):
            return find_file(name, "prompts")
        found = self.task_file.place(folder) if self.task_file else None
        if found is None:
            fix = "name it with --task"
            raise InputError(
                folder,
                got=f"task file {name} is gone",
                expected="the file it was made with",
                fix=fix,
            )
        return found

    def data_place(self, folder: Path) -> Path | None:
        """Where the data lie now; None for the task's own. Raises InputError if they are gone."""
        stated = self.config.get("data")
        if not stated:
            return None
        places = (Path(str(stated)), folder / self.data)
        found = next((place for place in places if place.exists()), None)
        if found is None:
            fix = "name their place now with --data"
            raise InputError(
                folder, got=f"data {stated} are gone", expected="the data it used", fix=fix
            )
        return found

    def answer_places(self, folder: Path) -> list[Path]:
        """The generate runs that a student learned from, as they lie seen from this folder."""
        return [folder / answers for answers in self.answers]


def read_manifest(path: Path) -> Manifest[Any]:
    """The manifest of a run folder. Raises InputError where there is none or it is broken.

    A run that was killed could not write its status: it is `stopped`, because nobody holds its
    folder any more.
    """
    manifest = _read(path)
    if manifest.status == "started" and LOCKS_WORK and not is_locked(path):
        manifest.status = "stopped"
    return manifest


def _read(path: Path) -> Manifest[Any]:
    where = path / MANIFEST
    try:
        values = json.loads(where.read_text(encoding="utf-8"))
    except OSError:
        raise InputError(
            path, got="no manifest.json", expected="a run folder of dsbs", fix="check the path"
        ) from None
    except (ValueError, RecursionError) as error:
        raise _broken(where, str(error)) from None
    if not isinstance(values, dict) or str(values.get("stage")) not in STAGES:
        raise InputError(
            where, got="no known stage", expected="a manifest of dsbs", fix="check the path"
        )
    version = values.get("schema_version", 0)
    if not isinstance(version, int) or version > SCHEMA_VERSION:
        got = f"schema version {brief(version)}"
        raise InputError(
            where, got=got, expected=f"at most {SCHEMA_VERSION}", fix="update dsbs to read it"
        )
    try:
        model: Any = Manifest.__class_getitem__(STAGES[values["stage"]])
        manifest: Manifest[Any] = model.model_validate(values)
        return manifest
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(where, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except RecursionError as error:
        raise _broken(where, str(error)) from None


def finished_run(path: Path, results: type[R], flag: str, *, partial: bool = False) -> Manifest[R]:
    """The manifest of a done run of one stage. Raises InputError for any other run.

    With `partial`, a run that a limit stopped or that has failed rows will do.
    """
    stage = next(name for name, model in STAGES.items() if model is results)
    manifest = read_manifest(path)
    where = f"{flag} {path}"
    if manifest.stage != stage:
        raise InputError(
            where,
            got=f"a run of {manifest.stage}",
            expected=f"a run of {stage}",
            fix="check the path",
        )
    usable = ("done", "stopped", "incomplete") if partial else ("done",)
    if manifest.status not in usable or manifest.results is None:
        why = f" ({manifest.problem})" if manifest.problem else ""
        got = f"a run with status {manifest.status!r}{why}"
        fix = f"run dsbs {stage} again with --out {path}, which goes on where it ended"
        raise InputError(where, got=got, expected="one that is done", fix=fix)
    return manifest


def manifests_below(root: Path) -> Iterator[tuple[Path, Manifest[Any] | InputError]]:
    """Every run folder directly below `root` with its manifest, or with what is wrong with it."""
    for path in sorted(root.glob(f"*/{MANIFEST}")):
        try:
            yield path.parent, read_manifest(path.parent)
        except InputError as error:
            yield path.parent, error


def newest_run(results: type[R], task: str | None = None, root: Path = Path("runs")) -> Path | None:
    """The last run below `root` that finished, of this stage and task.

    Runs are ordered by the number they got as they finished, so a clock that jumps changes nothing.
    Folders whose manifest is broken or foreign are passed over.
    """
    stage = next(name for name, model in STAGES.items() if model is results)
    done = [
        (manifest.sequence, manifest.finished.timestamp(), folder)
        for folder, manifest in manifests_below(root)
        if isinstance(manifest, Manifest)
        and (manifest.stage, manifest.status) == (stage, "done")
        and manifest.finished is not None
        and task in (None, manifest.final.task)
    ]
    return max(done)[2] if done else None


def relative_to(path: Path, folder: Path) -> str:
    """A path as seen from a folder."""
    return os.path.relpath(path.resolve(), folder.resolve())


def _broken(where: Path, why: str) -> InputError:
    fix = "run the command into a new folder"
    return InputError(where, got=why, expected="a manifest of dsbs", fix=fix)
