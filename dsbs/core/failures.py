"""What a command may meet on any machine, as one line: a full disk, a damaged file, no memory.

`explained` is asked at the edges: where a run folder is left, where a cell of a comparison ends,
and where a command ends. What it does not know is a bug, and shows its traceback.
"""

import errno
import json
import pickle
import sqlite3
import sys
import traceback
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dsbs.core.errors import InputError
from dsbs.core.known_secrets import printable

REPORT = "https://github.com/dsbs/dsbs/issues"
"""Where bugs are reported."""

_GOES_ON = "what was finished stays, and the same command goes on from there"

_SYSTEM: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("room on the disk", f"free some; {_GOES_ON}"),
    errno.EDQUOT: ("room within the quota", f"free some; {_GOES_ON}"),
    errno.EFBIG: ("room for a file of this size", f"see `ulimit -f`; {_GOES_ON}"),
    errno.EROFS: ("a place to write to", "choose another place"),
    errno.EACCES: ("a place that this user may use", "check its rights, or choose another place"),
    errno.EPERM: ("a place that this user may use", "check its rights, or choose another place"),
    errno.EMFILE: ("fewer open files", "allow more with `ulimit -n`"),
    errno.ENFILE: ("fewer open files", "end other programs"),
    errno.EIO: ("a disk that works", f"check the disk or the share; {_GOES_ON}"),
    errno.ESTALE: ("a share that is there", f"check the share; {_GOES_ON}"),
    errno.ENOMEM: ("enough memory", f"end other programs; {_GOES_ON}"),
}
"""What was expected and what to do, by the number of the system's error."""

_MEMORY = ("enough memory", f"end other programs, or choose smaller batches; {_GOES_ON}")
_DAMAGED = ("a file that is whole", "get it from a copy, or make it again")

_BY_PACKAGE: dict[str, tuple[str, str]] = {
    "safetensors": ("weights that are whole", "copy the folder again, or train again"),
    "pyarrow": ("a Parquet or Arrow file that can be read and written", "make it again"),
    "jinja2": ("a template that can be filled in", "mend the task file"),
    "yaml": ("YAML", "mend the file"),
    "huggingface_hub": ("the hub", "check name, network and HF_TOKEN, or give a local folder"),
    "httpx": ("a server that answers", "check address and network"),
    "httpx2": ("a server that answers", "check address and network"),
    "requests": ("a server that answers", "check address and network"),
    "aiohttp": ("a server that answers", "check address and network"),
    "openai": ("a server that answers", "check --base-url and network"),
    "ray": ("a Ray cluster that works", "see its messages above"),
}
"""By the package that an error comes from."""

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
_NOT_SAVED = ("PytorchStreamWriter failed", "unexpected pos", "file write failed", "iostream error")
"""What torch says of a file that it could not write whole."""
_NOT_LOADED = ("PytorchStreamReader failed", "failed finding central directory")

_READERS = ("json", "yaml", "jinja2", "pydantic", "ast", "reprlib", "copy")
"""Modules that recurse as deep as what they read."""


def explained(error: BaseException, where: object) -> InputError | None:
    """The error as one line for people; None where it is a bug.

    Args:
        error: What was raised.
        where: What is named where the error names no file: a folder or a command.
    """
    if isinstance(error, InputError):
        return error
    if isinstance(error, OSError):
        return _of_system(error, where)
    if isinstance(error, ImportError):
        return _of_import(error, where)
    known = _expected_and_fix(error)
    if known is None:
        return None
    expected, fix = known
    text = str(error).strip() or type(error).__name__
    return InputError(where, got=text.splitlines()[0], expected=expected, fix=fix)


@contextmanager
def explaining(where: object) -> Iterator[None]:
    """Raise the InputError of an error that can be explained, in its place."""
    try:
        yield
    except Exception as error:
        known = explained(error, where)
        if known is None or known is error:
            raise
        raise known from error


def print_bug(error: BaseException, where: str) -> None:
    """Print the traceback of a bug, and as the last line where to report it."""
    lines = "".join(traceback.format_exception(error))
    print(printable(lines), end="", file=sys.stderr)
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    report = InputError(
        where,
        got=what,
        expected="no such error: this is a bug of dsbs",
        fix=f"please report it with the lines above: {REPORT}",
    )
    print(f"error: {report}", file=sys.stderr)


def _expected_and_fix(error: BaseException) -> tuple[str, str] | None:
    text = str(error)
    package = type(error).__module__.partition(".")[0]
    full = "No space left" in text or any(words in text for words in _NOT_SAVED)
    if isinstance(error, sqlite3.Error):
        return _of_database(error)
    if isinstance(error, RuntimeError | MemoryError) and _is_about_memory(error, text):
        return _MEMORY
    if full and (isinstance(error, RuntimeError) or package in _BY_PACKAGE):
        return _SYSTEM[errno.ENOSPC]
    if isinstance(error, RecursionError):
        deep = ("values that are less deep", "mend the file that nests them")
        return deep if _recursed_in_a_reader(error) else None
    damaged = (zlib.error, zipfile.BadZipFile, pickle.UnpicklingError, EOFError)
    if isinstance(error, damaged) or any(words in text for words in _NOT_LOADED):
        return _DAMAGED
    if isinstance(error, json.JSONDecodeError):
        return ("JSON", "mend the file")
    if isinstance(error, UnicodeError):
        return ("UTF-8 text", "convert the file, e.g. iconv -f latin1 -t utf-8")
    return next((_BY_PACKAGE[name] for name in _packages(error) if name in _BY_PACKAGE), None)


def _of_system(error: OSError, where: object) -> InputError:
    default = ("files and servers that can be reached", "check path, rights and network")
    expected, fix = _SYSTEM.get(error.errno or 0, default)
    got = error.strerror or (str(error).strip() or type(error).__name__).splitlines()[0]
    name = error.filename
    place = name.decode(errors="replace") if isinstance(name, bytes) else name
    return InputError(where if place is None else place, got=got, expected=expected, fix=fix)


def _of_import(error: ImportError, where: object) -> InputError | None:
    """A package that is missing or broken. A module of dsbs itself that is missing is a bug."""
    package = (error.name or "").partition(".")[0]
    if package == "dsbs":
        return None
    fix = f"pip install {package}, or see dsbs doctor" if package else "see dsbs doctor"
    text = str(error).strip().splitlines() or [type(error).__name__]
    return InputError(where, got=text[0], expected=package or "a package that imports", fix=fix)


def _of_database(error: sqlite3.Error) -> tuple[str, str] | None:
    wrong_use = (
        sqlite3.ProgrammingError,
        sqlite3.InterfaceError,
        sqlite3.IntegrityError,
        sqlite3.NotSupportedError,
    )
    if isinstance(error, wrong_use):
        return None
    if "full" in str(error):
        return _SYSTEM[errno.ENOSPC]
    damaged = "malformed" in str(error) or "not a database" in str(error)
    return _DAMAGED if damaged else ("a database to use", "check its path, rights and disk")


def _is_about_memory(error: BaseException, text: str) -> bool:
    named = isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__
    return named or any(words in text for words in _OUT_OF_MEMORY)


def _packages(error: BaseException) -> Iterator[str]:
    for kind in type(error).__mro__:
        yield kind.__module__.partition(".")[0]


def _recursed_in_a_reader(error: BaseException) -> bool:
    """Whether the innermost calls are those of a library that follows values to their depth."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][-3:]
    modules = (str(frame.f_globals.get("__name__", "")).partition(".")[0] for frame in frames)
    return any(name in _READERS for name in modules)
