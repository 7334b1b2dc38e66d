"""Commands that are killed or disturbed: at a file-system call, in the middle of a write, at a
moment, by a signal. They are forked, so hundreds of kills are affordable.
"""

import contextlib
import itertools
import multiprocessing
import os
import resource
import signal
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from support.forked import forked

_WATCHED = ("open", "os.", "shutil.", "sqlite3.connect", "subprocess.Popen")
"""Audit events that count as calls, if one of their arguments names the folder."""

_TOKEN = "DSBS_FAULTS_TOKEN"


@dataclass(frozen=True)
class Disturbance:
    """What happens to a command."""

    at_call: int = 0
    """It is killed by SIGKILL just before this call about a file below its folder; 0: it is not."""
    at_byte: int = 0
    """It is killed in the middle of the write that would make a file larger than this."""
    largest_file: int = 0
    """Writes that would make a file larger than this fail, as on a full disk."""
    slow_s: float = 0.0
    """Seconds that every call about a file below its folder takes longer."""
    clock: tuple[float, ...] = ()
    """Seconds by which `time.time` is wrong, one after the other and again from the start."""

    def begin(self, folder: Path) -> "Calls":
        """Start to disturb this process. Returns the count of its calls, which goes on."""
        limit = self.at_byte or self.largest_file
        if limit:
            if self.at_byte:
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        calls = Calls(str(folder), self)
        sys.addaudithook(calls)
        if self.clock:
            offsets = itertools.cycle(self.clock)
            right = time.time
            time.time = lambda: right() + next(offsets)
        return calls


class Calls:
    """An audit hook that counts calls about files below a folder, and does something at them."""

    def __init__(self, folder: str, disturbance: Disturbance) -> None:
        self._folder = folder
        self._disturbance = disturbance
        self.count = 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(_WATCHED) and self._folder in str(arguments[:2]):
            self.count += 1
            if self.count == self._disturbance.at_call:
                os.kill(os.getpid(), signal.SIGKILL)
            if self._disturbance.slow_s:
                time.sleep(self._disturbance.slow_s)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """Its exit code, or minus the signal that killed it."""
    said: str
    """stdout and stderr."""
    children: int
    """Processes that it left, half a minute after its end."""
    seconds: float
    cpu_s: float
    """Processor time of its own process; 0 if it was killed."""
    calls: int
    """Calls about files below its folder; 0 if it was killed."""

    @property
    def killed(self) -> bool:
        """Whether it was kept from its own end."""
        return self.code < 0 or self.code in (130, 143)


class Started:
    """A command that runs: `dsbs ARGUMENTS`."""

    def __init__(
        self, arguments: Sequence[object], folder: Path, disturbance: Disturbance | None = None
    ) -> None:
        self._token = uuid.uuid4().hex
        self._log = folder.parent / f"{folder.name}.{self._token[:8]}.log"
        self._heard, told = multiprocessing.Pipe(duplex=False)
        words = list(map(str, arguments))
        given = (words, folder, self._log, disturbance or Disturbance(), self._token, told)
        self._process = forked(_run, *given)
        told.close()
        with contextlib.suppress(EOFError):
            self._heard.recv()
        self._begun = time.monotonic()

    def signal(self, number: int) -> None:
        """Send a signal, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid or 0, number)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def memory(self) -> int:
        """Bytes of its own memory now, without those of files that are mapped; 0 after its end."""
        with contextlib.suppress(OSError):
            _, resident, shared, *_ = Path(f"/proc/{self._process.pid}/statm").read_text().split()
            return (int(resident) - int(shared)) * resource.getpagesize()
        return 0

    def open_files(self) -> int:
        """Files that it has open now; 0 after its end."""
        with contextlib.suppress(OSError):
            return len(os.listdir(f"/proc/{self._process.pid}/fd"))
        return 0

    def end(self, timeout: float | None = 300) -> Ended:
        """Wait for its end."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"still running after {timeout} s: {self._log.read_text()[-2000:]}")
        seconds = time.monotonic() - self._begun
        said = self._log.read_text(errors="replace")
        self._log.unlink()
        cpu_s = 0.0
        calls = 0
        with contextlib.suppress(EOFError):
            cpu_s, calls = self._heard.recv()
        self._heard.close()
        return Ended(self._process.exitcode, said, _left(self._token), seconds, cpu_s, calls)


def run(arguments: Sequence[object], folder: Path, disturbance: Disturbance | None = None) -> Ended:
    """Run a command to its end."""
    return Started(arguments, folder, disturbance).end()


def _run(
    arguments: list[str],
    folder: Path,
    log: Path,
    disturbance: Disturbance,
    token: str,
    told: Connection,
) -> None:
    """The forked process."""
    os.setsid()
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for number in (1, 2):
        os.dup2(file, number)
    os.environ[_TOKEN] = token
    sys.argv = ["dsbs", *arguments]
    from dsbs.__main__ import main

    code = 0
    calls = None
    try:
        calls = disturbance.begin(folder)
        told.send(None)
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except KeyboardInterrupt:  # before or after the command's own handling
        code = 130
    told.send((time.process_time(), calls.count if calls else 0))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _left(token: str, patience_s: float = 30) -> int:
    """Processes that were started with a token, once none is left or patience is over."""
    end = time.monotonic() + patience_s
    while (found := sum(1 for _ in _processes(token))) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _processes(token: str) -> Iterator[Path]:
    wanted = f"{_TOKEN}={token}".encode()
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state = (place / "stat").read_text().rpartition(")")[2].split()[0]
            if state != "Z" and wanted in (place / "environ").read_bytes():
                yield place
