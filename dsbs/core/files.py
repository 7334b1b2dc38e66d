"""Files that travel with dsbs, and atomic writes with the rights that the user's umask gives."""

import contextlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dsbs.core.errors import InputError, nearest
from dsbs.core.known_secrets import without_secrets

_PACKAGE = Path(__file__).parent.parent


def packaged(name: str) -> Path:
    """A file or folder that travels with dsbs: in `prompts`, `pipelines` or `dsbs/assets`.

    Prompts and pipelines lie at the checkout's top level, and inside the package once it is
    installed.
    """
    folder, *below = Path(name).parts
    places = (_PACKAGE / "assets" / folder, _PACKAGE / folder, _PACKAGE.parent / folder)
    return next((place for place in places if place.is_dir()), places[-1]).joinpath(*below)


def find_file(name: str, folder: str) -> Path:
    """A YAML file by its path, or a packaged one by its name. Raises InputError if missing."""
    if is_path(name):
        if not Path(name).is_file():
            raise InputError(
                name, got="no such file", expected=f"a YAML file of {folder}", fix="check the path"
            )
        return Path(name)
    known = {path.stem: path for path in packaged(folder).glob("*.yaml")}
    if name not in known:
        kind = folder.removesuffix("s").replace("prompt", "task")
        fix = f"{nearest(name, known)} (or give the path of a .yaml file of your own)"
        raise InputError(f"--{kind}", got=repr(name), expected=f"a known {kind}", fix=fix)
    return known[name]


def is_path(name: str) -> bool:
    """Whether a name of a task or pipeline is the path of a file, and not a packaged name."""
    return name.endswith((".yaml", ".yml")) or "/" in name


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically; see `replacing`."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a text without known secrets, atomically; see `replacing`."""
    with replacing(path) as partial:
        partial.write_text(without_secrets(text), encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden path beside `path` to write to; it takes the place of `path` once all is written.

    A reader sees the old file or the new one, never half of one. Where writing fails, the old file
    stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: Path, flag: str) -> None:
    """Raise InputError where no such file can be written. Called before the work whose end it is.

    Args:
        path: The file that a flag names.
        flag: The flag, for the error.
    """
    folder = path.parent
    got = ""
    if path.is_dir():
        got = "a folder"
    elif not folder.is_dir():
        got = f"a file in {folder}, which is no folder"
    elif not os.access(folder, os.W_OK | os.X_OK):
        got = f"a file in {folder}, where you may not write"
    if got:
        fix = "make the folder, or name another place"
        raise InputError(f"{flag} {path}", got=got, expected="a file to write", fix=fix)


def open_to_umask(folder: Path, like: Path) -> None:
    """Give the files below a folder the rights that the umask gave to `like`, a new file there.

    Libraries that write through a temporary file leave it to its owner alone (0600).
    """
    rights = stat.S_IMODE(like.stat().st_mode)
    for path in folder.rglob("*"):
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) != rights:
            path.chmod(rights)
