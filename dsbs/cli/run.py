"""Run a command line: exit codes, signals, and what may write to stdout."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence

from cyclopts import App, CycloptsError

from dsbs.core.errors import InputError


def run_app(app: App, argv: Sequence[str]) -> int:
    """Run the application and return its exit code.

    Bad input is one line on stderr and code 2. SIGTERM ends the command like Ctrl-C: what is open
    is closed, and child processes end too.
    """
    try:
        with _sigterm_as_interrupt():
            code = app(
                list(argv), print_error=False, exit_on_error=False, result_action="return_value"
            )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except CycloptsError as error:
        text = " ".join(str(error).split()).rstrip(".")
        print(
            f"error: command line: got {text}; expected flags of this stage; see --help",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt as error:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 128 + (error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        # The reader of stdout, a `head`, is gone; nothing else to tell it.
        sys.stderr.close()
        return 0
    return code if isinstance(code, int) else 0


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
