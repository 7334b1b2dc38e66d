"""Child processes that end when their parent ends, however it ends.

`Children` starts each command below a supervisor: `python -m dsbs.core.supervisor COMMAND...`. The
parent holds the other end of the supervisor's stdin. When the parent closes it, or dies (even by
SIGKILL), the supervisor stops the command and every process that the command started. So a crash
leaves no server that holds a GPU, and no training that writes to a folder.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

_PATIENCE_S = 20
"""Time between SIGTERM and SIGKILL."""


class Children:
    """`with Children() as children: process = children.start(command)`.

    At the end of the block all commands that still run are stopped.
    """

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        # The parent alone holds the writing end: children do not inherit it.
        self._read, self._write = os.pipe()
        self._ended = False

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended = True
        os.close(self._write)
        os.close(self._read)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3 * _PATIENCE_S)

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command that reads nothing from stdin; `options` are those of Popen."""
        if self._ended:  # another thread may still be about to start one
            raise RuntimeError("the block of these children has ended")
        process = subprocess.Popen(
            [sys.executable, "-m", "dsbs.core.supervisor", *command],
            stdin=self._read,
            start_new_session=True,  # Ctrl-C reaches the parent only, which then ends the block
            **options,
        )
        self._processes.append(process)
        return process


def main() -> int:
    """Run the command; its exit code, or 128 plus the number of the signal that ended it."""
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_stop_without_parent, args=(command,), daemon=True).start()
    code = command.wait()
    _signal(command, signal.SIGKILL)  # what the command started and did not wait for
    return code if code >= 0 else 128 - code


def _stop_without_parent(command: subprocess.Popen[bytes]) -> None:
    """Wait until stdin is closed, then stop the command: first by SIGTERM, then by SIGKILL."""
    # Not sys.stdin: a thread must not hold its lock when the interpreter ends.
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
