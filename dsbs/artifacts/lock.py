"""One process per run folder: a kernel lock, which ends with its process however that dies."""

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dsbs.core.errors import InputError
from dsbs.core.progress import is_main_process

try:
    import fcntl
except ImportError:  # Windows has no such lock; one user per folder is then up to the user
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. Raises InputError, with the holder, where it is in use."""
    if fcntl is None or not is_main_process():
        yield
        return
    file = (folder / LOCK).open("a+", encoding="utf-8")
    # A forked child would share the lock and keep it after this process has died.
    os.register_at_fork(after_in_child=file.close)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise _held(folder, file.read()) from None
        file.truncate(0)
        file.write(json.dumps(_this_process()))
        file.flush()
        yield
    finally:
        file.close()


def is_locked(folder: Path) -> bool:
    """Whether a process holds the folder now."""
    if fcntl is None or not (folder / LOCK).is_file():
        return False
    with (folder / LOCK).open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _this_process() -> dict[str, str | int]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _held(folder: Path, text: str) -> InputError:
    try:
        holder = "process {pid} on {host} since {since}: {command}".format(**json.loads(text))
    except (ValueError, KeyError):
        holder = "another process"
    return InputError(
        folder,
        got=f"a folder in use by {holder}",
        expected="a folder that no other process writes to",
        fix="wait for it to end, or choose another --out",
    )
