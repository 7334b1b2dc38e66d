"""Progress of long work on stderr: how much, how fast, how long still. Results go to stdout.

A terminal shows one line that is redrawn. A log gets a line after ten seconds, and then more and
more rarely. `compare` reads the lines of the processes that it starts, which write every ten
seconds; progress bars of libraries write nothing into a log before the end.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from dsbs.core import output
from dsbs.core.known_secrets import printable

_watchers: list[Callable[[str], None]] = []

_REDRAWN_S = 0.2
"""Seconds between lines on a terminal."""

_FIRST_S = 10.0
_RAREST_S = 300.0
"""Seconds before the first line of a log, and most between two. Each wait doubles the time so far.
"""

_WARM_S = 10.0
"""Seconds of work after which a rate may be carried on into the future."""

READ_BY_PROGRAM = "DSBS_PROGRESS_READ"
"""Variable of the environment with which a log gets a line every ten seconds to the end."""


class Pace:
    """How fast work goes, without its cold start: loading, compiling, the first answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None
        """When the first work was done."""
        self._done = 0
        """Work that was done after that."""

    def add(self, count: int) -> None:
        """Count work that is done."""
        if self._first is None:
            self._first = self._clock()
        else:
            self._done += count

    def seconds_for(self, count: int) -> float | None:
        """Seconds for so much more work; None as long as nobody can know."""
        elapsed = 0.0 if self._first is None else self._clock() - self._first
        return count * elapsed / self._done if self._done and elapsed >= _WARM_S else None


class Progress:
    """`with Progress("generate", total) as progress: progress.add(n, "12 failed")`."""

    def __init__(
        self,
        what: str,
        total: int | None,
        *,
        unit: str = "rows",
        shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self.total = total
        self.unit = unit
        self.shown = shown
        self.done = 0
        self.note = ""
        self._clock = clock
        self._started = clock()
        self._shown_at = self._started
        self._terminal = output.notes().isatty()
        self._pace = Pace(clock)
        self._skipped = 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.done:
            self._show(end="\n")

    def add(self, count: int = 1, note: str = "") -> None:
        """Count work that is done. `note` stands at the end of the line."""
        self.done += count
        self._pace.add(count)
        self.note = note or self.note
        if self._clock() - self._shown_at >= self._wait_s():
            self._show(end="" if self._terminal else "\n")

    def skip(self, count: int) -> None:
        """Count work of an earlier start, which does not count for the rate."""
        self._skipped += count
        self.done += count

    def line(self) -> str:
        """The line: "generate 2,000/9,741 rows (21 %), 350/s, 22 s left, 3 failed".

        It has no seconds while the work has just begun; at the end it has those that it took.
        """
        elapsed = max(self._clock() - self._started, 1e-9)
        rate = (self.done - self._skipped) / elapsed
        of = f"/{self.total:,}" if self.total else ""
        share = f" ({self.done / self.total:.0%})" if self.total else ""
        parts = [f"{self.what} {self.done:,}{of} {self.unit}{share}"]
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
        if self.total and self.done >= self.total:
            parts.append(duration(elapsed))
        elif self.total and (left := self._pace.seconds_for(self.total - self.done)):
            parts.append(f"{duration(left)} left")
        return ", ".join([*parts, self.note] if self.note else parts)

    def _wait_s(self) -> float:
        """Seconds between the line that was written last and the next."""
        if self._terminal:
            return _REDRAWN_S
        if os.environ.get(READ_BY_PROGRAM):
            return _FIRST_S
        return min(max(self._shown_at - self._started, _FIRST_S), _RAREST_S)

    def _show(self, end: str) -> None:
        self._shown_at = self._clock()
        if not self.shown or output.is_quiet():
            return
        if _watchers:
            _watchers[-1](self.line())
            return
        start = "\r\x1b[K" if self._terminal else ""
        output.note(start + printable(self.line()), end=end)


@contextmanager
def watched_by(watch: Callable[[str], None]) -> Iterator[None]:
    """Hand every line of progress to `watch` instead of writing it."""
    _watchers.append(watch)
    try:
        yield
    finally:
        _watchers.remove(watch)


def is_main_process() -> bool:
    """Whether this process is the only one, or the first of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """Write one line to stderr, unless the command is quiet.

    Under torchrun only the main process does.
    """
    if is_main_process() and not output.is_quiet():
        output.note(printable(text))


def duration(seconds: float) -> str:
    """Seconds for people: 22 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
