"""Child processes that end when their parent ends, however it ends.

`Children` starts each command below a supervisor: `python -m dsbs.core.supervisor COMMAND...`. The
parent holds the other end of the supervisor's stdin. When the parent closes it, or dies (even by
SIGKILL), the supervisor stops the command and every process that the command started. So a crash
leaves no server that holds a GPU, and no training that writes to a folder.

If the supervisor is killed itself, a second process, which waits for that alone, does the same.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from dsbs.core.ending import PATIENCE_S, is_sent, stop

_SUPERVISED = "DSBS_SUPERVISED"
"""Variable in the environment of commands that another command of dsbs has started."""

_PR_SET_PDEATHSIG = 1
"""Of Linux's prctl: the signal that a process gets when its parent dies."""


class Children:
    """`with Children() as children: process = children.start(command)`.

    At the end of the block all commands that still run are stopped.
    """

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        # The parent alone holds the writing end: children do not inherit it.
        self._read, self._write = os.pipe()
        self._ended = False
        self._starting = threading.Lock()

    def __enter__(self) -> "Children":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._starting:
            self._ended = True
            os.close(self._write)
            os.close(self._read)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=3 * PATIENCE_S)

    def start(self, command: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start a command that reads nothing from stdin; `options` are those of Popen."""
        with self._starting:
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


def is_supervised() -> bool:
    """Whether another command of dsbs has started this one, and ends it."""
    return _SUPERVISED in os.environ


def main() -> int:
    """Run the command; its exit code, or 128 plus the number of the signal that ended it."""
    command = subprocess.Popen(
        sys.argv[1:],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, _SUPERVISED: "1"},
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,
    )
    _start_second(command.pid)
    threading.Thread(target=_stop_without_parent, args=(command.pid,), daemon=True).start()
    code = command.wait()
    is_sent(os.killpg, command.pid, signal.SIGKILL)  # what the command started and did not wait for
    return code if code >= 0 else 128 - code


def _end_with_parent() -> None:
    """Have Linux end this process should every supervisor be killed at once."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _start_second(group: int) -> None:
    """Start a process that stops the command once this one is gone, however it ended."""
    gone, here = os.pipe()
    if os.fork():
        os.close(gone)
        return
    os.close(here)
    os.setsid()  # what is sent to the group of the supervisor does not reach it
    os.read(gone, 1)
    stop(os.killpg, [group])
    os._exit(0)


def _stop_without_parent(group: int) -> None:
    """Wait until stdin is closed, then stop the command."""
    # Not sys.stdin: a thread must not hold its lock when the interpreter ends.
    while os.read(0, 1):
        pass
    stop(os.killpg, [group])


if __name__ == "__main__":
    sys.exit(main())
