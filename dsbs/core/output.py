"""Where lines go: results to stdout, dsbs's own lines to stderr, what others print to a log.

Engines and libraries print to the file descriptors 1 and 2, and so do the processes that they
start. So a command redirects both into a file, and writes its own lines to copies of the real ones.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TextIO

from dsbs.core.errors import InputError

_END_LINES = 8
"""Lines to show of what others printed, where the work fails."""


@dataclass(frozen=True)
class _Log:
    """A file that others print to."""

    file: IO[bytes]
    path: Path | None
    """None for a temporary file."""
    start: int
    """Its size when the work began that prints to it now."""


@dataclass
class _Command:
    """The streams of the command that runs in this process."""

    results: TextIO
    notes: TextIO
    quiet: bool
    log: _Log | None
    """None where the command is verbose: others then print to stderr."""


_command: _Command | None = None
_display: TextIO | None = None
"""What shows notices in place of the command's own stream."""


def results() -> TextIO:
    """The stream for results."""
    return _command.results if _command else sys.stdout


def notes() -> TextIO:
    """The stream for dsbs's own progress and notices."""
    return _display or (_command.notes if _command else sys.stderr)


@contextlib.contextmanager
def shown_on(display: TextIO) -> Iterator[None]:
    """Write progress and notices to a display that puts them above what it redraws."""
    global _display
    before = _display
    _display = display
    try:
        yield
    finally:
        _display = before


def note(text: str, end: str = "\n") -> None:
    """Write to that stream. Nothing fails because its reader is gone, such as a closed terminal."""
    with contextlib.suppress(OSError):
        print(text, end=end, file=notes(), flush=True)


def is_quiet() -> bool:
    """Whether progress and notices are not wanted."""
    return _command is not None and _command.quiet


def is_verbose() -> bool:
    """Whether what others print goes to the terminal."""
    return _command is not None and _command.log is None


def flags() -> list[str]:
    """The flags with which another command prints as this one does."""
    return ["--quiet"] * is_quiet() + ["--verbose"] * is_verbose()


@contextlib.contextmanager
def apart(*, quiet: bool = False, verbose: bool = False) -> Iterator[None]:
    """Keep apart what others print meanwhile.

    It never goes to stdout. It goes to stderr if `verbose`, else to the log of the run folder that
    is opened meanwhile; see `logged`.
    """
    global _command
    before = _command
    with contextlib.ExitStack() as stack:
        log = None
        if not verbose:
            log = _Log(stack.enter_context(tempfile.TemporaryFile()), None, 0)
        _command = _Command(_copy_of(sys.stdout), _copy_of(sys.stderr), quiet, log)
        stack.callback(_restore, _command, before)
        stack.enter_context(_redirected(log.file.fileno() if log else 2))
        with _shown_if_broken():
            yield
        _command.results.flush()


@contextlib.contextmanager
def logged(path: Path) -> Iterator[None]:
    """Append to a file what others print meanwhile; no file stays where they print nothing.

    Outside of `apart`, and where the command is verbose, nothing changes.
    """
    if _command is None or _command.log is None:
        yield
        return
    before = _command.log
    with path.open("a+b") as file:
        _command.log = _Log(file, path, os.fstat(file.fileno()).st_size)
        try:
            with _redirected(file.fileno()), _shown_if_broken():
                yield
        finally:
            _command.log = before
            if os.fstat(file.fileno()).st_size == 0:
                path.unlink(missing_ok=True)


def log_path() -> Path | None:
    """The file that others print to; None where there is none."""
    return _command.log.path if _command and _command.log else None


def show_log_end() -> None:
    """Write to stderr the last lines that others printed since the work began."""
    for line in _log_end():
        note(line)


def _log_end() -> list[str]:
    if _command is None or _command.log is None:
        return []
    _flush()
    log = _command.log
    log.file.seek(log.start)
    return last_lines(log.file.read(), f"the end of {log.path or 'what was printed'}:")


def last_lines(printed: bytes, heading: str) -> list[str]:
    """The last lines of what was printed, under a heading; [] for none."""
    lines = printed.decode(errors="replace").strip().splitlines()
    return [heading, *lines[-_END_LINES:]] if lines else []


@contextlib.contextmanager
def _shown_if_broken() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        if not isinstance(error, InputError | BrokenPipeError):
            show_log_end()
        raise


_last: int | None = None
"""A copy of the descriptor of the last log."""


def end_in_log() -> None:
    """As the process ends, leave to the last log what libraries still print."""
    if _last is not None:
        with contextlib.suppress(OSError):
            _flush()
        for number in (1, 2):
            os.dup2(_last, number)


@contextlib.contextmanager
def _redirected(target: int) -> Iterator[None]:
    """Have the descriptors 1 and 2 mean what `target` means."""
    _flush()
    kept = (os.dup(1), os.dup(2))
    if target != 2:
        _keep(target)
    for number in (1, 2):
        os.dup2(target, number)
    try:
        yield
    finally:
        _flush()
        for number, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, number)
            os.close(copy)


def _keep(log: int) -> None:
    global _last
    if _last is not None:
        os.close(_last)
    _last = os.dup(log)


def _restore(command: _Command, before: _Command | None) -> None:
    global _command
    _command = before
    for copy, original in ((command.results, sys.stdout), (command.notes, sys.stderr)):
        if copy is not original:
            with contextlib.suppress(OSError):  # it was raised once already
                copy.close()


def _copy_of(stream: TextIO) -> TextIO:
    """A stream to the same place, which stays when the descriptor is redirected."""
    try:
        number = os.dup(stream.fileno())
    except OSError:  # no file: a stream of a test or a notebook, which is not redirected
        return stream
    return os.fdopen(number, "w", encoding=stream.encoding, errors=stream.errors)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if not stream.closed:
            stream.flush()
