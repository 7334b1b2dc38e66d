"""Run a command line: exit codes, signals, and what may write to stdout."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from cyclopts import App, CycloptsError

from dsbs.core.errors import InputError
from dsbs.core.failures import explained, print_bug
from dsbs.core.known_secrets import remember_environment
from dsbs.core.redaction import public, public_command

BUG = 3
"""The exit code of a command that ends in a bug of dsbs."""


def run_app(app: App, argv: Sequence[str]) -> int:
    """Run the application and return its exit code.

    What a user can mend, bad input as well as a full disk or a damaged file, is one line on stderr
    and code 2. A bug is its traceback, a line that says where to report it, and code 3. SIGTERM
    ends the command like Ctrl-C: what is open is closed, and child processes end too.
    """
    remember_environment()
    public_command(argv)  # its secrets are known from here on
    _write_anything()
    try:
        with _sigterm_as_interrupt():
            code = app(
                list(argv), print_error=False, exit_on_error=False, result_action="return_value"
            )
    except CycloptsError as error:
        text = public(" ".join(str(error).split()).rstrip("."))
        expected = "flags of this stage"
        return _refuse(InputError("command line", got=text, expected=expected, fix="see --help"))
    except KeyboardInterrupt as error:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 128 + (error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        # The reader of stdout, a `head`, is gone; nothing else to tell it.
        sys.stderr.close()
        return 0
    except Exception as error:
        known = explained(error, " ".join(app.name))
        if known is not None:
            return _refuse(known)
        print_bug(error, " ".join(app.name))
        return BUG
    return code if isinstance(code, int) else 0


def _refuse(error: InputError) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _write_anything() -> None:
    """Characters that a terminal's encoding lacks are written as escapes, and end no command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Raise KeyboardInterrupt with the signal's number on SIGTERM, as Python does on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def stdout_for_results() -> Iterator[None]:
    """What libraries, and processes that they start, print meanwhile goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
