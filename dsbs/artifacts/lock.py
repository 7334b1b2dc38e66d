"""Kernel locks on files, which end with their process however that dies."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from dsbs.core.errors import InputError
from dsbs.core.progress import is_main_process
from dsbs.core.redaction import public_command

try:
    import fcntl
except ImportError:  # Windows has no such locks; not to start two processes is then up to the user
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
LOCKS_WORK = fcntl is not None
"""Whether a lock that is free says that its process has ended."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises InputError, with the holder, where it is in use."""
    if not is_main_process():
        yield
        return
    file = hold(folder / LOCK)
    if file is None:
        raise _held(folder)
    with file:
        yield


def hold(path: Path) -> IO[str] | None:
    """Lock a file for this process and write into it who that is.

    Returns the open file, whose closing unlocks it; None where another process holds it.
    """
    file = path.open("a+", encoding="utf-8")
    # A forked child would share the lock and keep it after this process has died.
    os.register_at_fork(after_in_child=file.close)
    if not _lock(file, shared=False):
        file.close()
        return None
    file.truncate(0)
    file.write(json.dumps(_this_process()))
    file.flush()
    return file


def is_held(path: Path) -> bool:
    """Whether a process that lives holds the lock of a file."""
    try:
        with path.open("rb") as file:
            return not _lock(file, shared=True)
    except FileNotFoundError:
        return False


def holder(path: Path) -> str:
    """Who locked a file last, in words."""
    try:
        process = json.loads(path.read_text(encoding="utf-8"))
        return "process {pid} on {host} since {since}: {command}".format(**process)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "another process"


def _lock(file: IO[str] | IO[bytes], *, shared: bool) -> bool:
    """Lock an open file without waiting; False where a process holds it."""
    if not fcntl:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked(folder: Path) -> bool:
    """Whether a process holds the folder now."""
    return is_held(folder / LOCK)


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join(this_command())[:200],
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def this_command() -> list[str]:
    """The command line of this process, without secrets."""
    return [Path(sys.argv[0]).name, *public_command(sys.argv[1:])]


def _held(folder: Path) -> InputError:
    return InputError(
        folder,
        got=f"a folder in use by {holder(folder / LOCK)}",
        expected="a folder that no other process writes to",
        fix="wait for it to end, or choose another --out",
    )
