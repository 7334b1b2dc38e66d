"""Runs a command as long as its starter lives: `python -m dsbs.teachers.supervisor COMMAND...`.

The starter holds the other end of this process's stdin. When that closes, because the starter closes
it or is gone (even by SIGKILL), the command and every process that it started are stopped. So no
crash leaves a server behind that holds a GPU.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

_PATIENCE_S = 20
"""Seconds between SIGTERM and SIGKILL."""


def main() -> int:
    """The exit code of the command; 128 plus the number of the signal that ended it, as in a shell."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_stop_when_left, args=(command,), daemon=True).start()
    code = command.wait()
    _signal(command, signal.SIGKILL)  # processes that it started and did not wait for
    return code if code >= 0 else 128 - code


def _stop_when_left(command: subprocess.Popen[bytes]) -> None:
    """Stop the command, politely at first, once stdin closes."""
    # Not sys.stdin, whose lock a thread may not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    _signal(command, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        command.wait(timeout=_PATIENCE_S)
    _signal(command, signal.SIGKILL)


def _signal(command: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(command.pid, number)


if __name__ == "__main__":
    sys.exit(main())
