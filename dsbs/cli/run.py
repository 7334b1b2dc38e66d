"""Run a command line: exit codes and signals."""

import contextlib
import io
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from cyclopts import App, CycloptsError

from dsbs.core import output
from dsbs.core.errors import InputError
from dsbs.core.failures import explained, print_bug
from dsbs.core.known_secrets import remember_environment
from dsbs.core.redaction import public, public_command
from dsbs.core.supervisor import is_supervised

_ENDING = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
"""Signals that end a process besides SIGINT. Windows has no SIGHUP."""

_ONE_END_S = 1.0
"""Seconds in which several of these signals mean one: a second one would cut the orderly end."""

BUG = 3
"""The exit code of a command that ends in a bug of dsbs."""


def run_app(app: App, argv: Sequence[str]) -> int:
    """Run the application and return its exit code.

    What a user can mend, bad input as well as a full disk or a damaged file, is one line on stderr
    and code 2. A bug is its traceback, a line that says where to report it, and code 3. SIGTERM and
    SIGHUP end the command like Ctrl-C: what is open is closed, and child processes end too. The
    code is then 128 plus the signal's number.
    """
    remember_environment()
    public_command(argv)  # its secrets are known from here on
    _write_anything()
    try:
        with _signals_as_interrupts():
            code = app(
                list(argv), print_error=False, exit_on_error=False, result_action="return_value"
            )
    except CycloptsError as error:
        text = public(" ".join(str(error).split()).rstrip("."))
        expected = "flags of this stage"
        return _refuse(InputError("command line", got=text, expected=expected, fix="see --help"))
    except KeyboardInterrupt as error:
        if not is_supervised():  # else the command that started this one says so
            output.note("interrupted; the same command goes on from here")
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
def _signals_as_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt with the number of a signal that ends a process."""
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield
        return

    raised_at = -_ONE_END_S

    def interrupt(number: int, frame: object) -> None:
        nonlocal raised_at
        if time.monotonic() - raised_at >= _ONE_END_S:
            raised_at = time.monotonic()
            raise KeyboardInterrupt(number)

    found = {number: signal.getsignal(number) for number in _ENDING}
    # nohup ignores SIGHUP, and then so do we. None: a handler that Python cannot put back.
    before = {n: handler for n, handler in found.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
