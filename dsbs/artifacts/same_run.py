"""Whether a command is the run that is in its folder."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import FileRecord, Manifest
from dsbs.config.base import Continues, StageConfig
from dsbs.core.errors import InputError, brief
from dsbs.core.redaction import public_setting


def is_continued(old: Manifest[Any], config: StageConfig) -> bool:
    """Whether a run that is done is to go on: a setting that continues it has another value."""
    values = config.resolved()
    names = config.marked(Continues)
    changes = (values[name] != old.config.get(name, config.default(name)) for name in names)
    return old.status == "done" and any(changes)


def check_same(
    path: Path,
    old: Manifest[Any],
    stage: str,
    config: StageConfig,
    *,
    changed: bool,
    continued: bool,
) -> None:
    """InputError where this run is another than the one in the folder."""
    difference = f"a run of {stage}, where a run of {old.stage} is" if old.stage != stage else ""
    # A setting that the old manifest does not know had its default.
    settings = config.identity(with_inputs=changed)
    if continued:
        settings = {k: value for k, value in settings.items() if k not in config.marked(Continues)}
    # Manifests of older versions may hold secrets.
    before = {name: public_setting(old.config.get(name, config.default(name))) for name in settings}
    changes = [
        f"{name} {brief(value, 300)} (was {brief(before[name], 300)})"
        for name, value in settings.items()
        if value != before[name]
    ]
    if changes and not difference:
        difference = "other settings: " + ", ".join(changes)
    if difference:
        expected = "the run that is in this folder"
        raise InputError(path, got=difference, expected=expected, fix="choose another --out")


def changed_inputs(path: Path, old: Manifest[Any], files: Sequence[FileRecord]) -> InputError:
    """What to say where the inputs are others than those the run began with."""
    known = {file.sha256 for file in old.inputs}
    names = ", ".join(file.path for file in files if file.sha256 not in known) or "fewer files"
    return InputError(
        path,
        got=f"changed inputs: {names}",
        expected="the inputs it began with",
        fix="choose another --out",
    )


def contents(files: Iterable[FileRecord]) -> set[str]:
    """The hashes of files, wherever they lie."""
    return {file.sha256 for file in files}
