"""The log of a child process, written without secrets: it repeats its own arguments and headers."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dsbs.core.known_secrets import without_secrets

_PATIENCE_S = 10
"""Longest time to wait for the last lines, where a process outlives the block."""


@contextmanager
def log_without_secrets(path: Path) -> Iterator[IO[bytes]]:
    """What is written to the file that this gives is appended to the log, line by line."""
    read, write = os.pipe()
    with path.open("ab", buffering=0) as log, os.fdopen(read, "rb") as lines:
        copying = threading.Thread(target=_copy, args=(lines, log), daemon=True)
        copying.start()
        try:
            with os.fdopen(write, "wb") as output:
                yield output
        finally:
            copying.join(_PATIENCE_S)


def _copy(lines: IO[bytes], log: IO[bytes]) -> None:
    for line in lines:
        # Of bytes that are no text, none is lost.
        text = line.decode("utf-8", "surrogateescape")
        try:
            log.write(without_secrets(text).encode("utf-8", "surrogateescape"))
        except (OSError, ValueError):  # a full disk; the child must not wait for it
            continue
