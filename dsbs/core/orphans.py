"""Processes that a library starts by itself end with this process, however it ends.

They cannot stand below a supervisor, so a process of its own learns who they are, and stops them
once the pipe from here closes.
"""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from dsbs.core.ending import stop

_LOOK_S = 0.2
"""Seconds between looks at what has been started."""

_ORDERLY = b"done\n"
"""What the pipe ends with where the library has stopped its processes itself."""


class NoOrphans:
    """`with NoOrphans(): ...`: what `multiprocessing` starts meanwhile ends with this process."""

    def __enter__(self) -> Self:
        self._watcher = subprocess.Popen(
            [sys.executable, "-m", "dsbs.core.orphans"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C does not reach it
        )
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(BrokenPipeError):
            self._watcher.communicate(_ORDERLY)

    def _look(self) -> None:
        """Tell the watcher of every process that is started."""
        known = set[int]()
        assert self._watcher.stdin is not None
        while not self._ended.wait(_LOOK_S):
            found = {child.pid for child in multiprocessing.active_children() if child.pid}
            with contextlib.suppress(BrokenPipeError):
                self._watcher.stdin.write(b"".join(b"%d\n" % pid for pid in found - known))
                self._watcher.stdin.flush()
            known |= found


def main() -> None:
    """Wait until the process above has ended; stop what it has left."""
    left = set[int]()
    for line in sys.stdin.buffer:
        if line == _ORDERLY:
            return
        left.add(int(line))
    stop(os.kill, left)


if __name__ == "__main__":
    main()
