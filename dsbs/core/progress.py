"""Progress of long work on stderr: how much, how fast, how long still. Results go to stdout.

A terminal shows one line that is redrawn. A log gets a line every ten seconds, which `compare` also
reads from the processes that it starts; progress bars of libraries write nothing into a log before
the end.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

from dsbs.core.known_secrets import printable

_watchers: list[Callable[[str], None]] = []

_EVERY_S = {True: 0.2, False: 10.0}
"""Seconds between lines, on a terminal and in a log."""


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
        self._terminal = sys.stderr.isatty()
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
        self.note = note or self.note
        if self._clock() - self._shown_at >= _EVERY_S[self._terminal]:
            self._show(end="" if self._terminal else "\n")

    def skip(self, count: int) -> None:
        """Count work of an earlier start, which does not count for the rate."""
        self._skipped += count
        self.done += count

    def line(self) -> str:
        """The line: "generate 2,000/9,741 rows (21 %), 350/s, 22 s left, 3 failed"."""
        elapsed = max(self._clock() - self._started, 1e-9)
        rate = (self.done - self._skipped) / elapsed
        of = f"/{self.total:,}" if self.total else ""
        share = f" ({self.done / self.total:.0%})" if self.total else ""
        parts = [f"{self.what} {self.done:,}{of} {self.unit}{share}"]
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
        if self.total and rate:
            left = (self.total - self.done) / rate
            parts.append(f"{duration(left)} left" if left > 0 else duration(elapsed))
        return ", ".join([*parts, self.note] if self.note else parts)

    def _show(self, end: str) -> None:
        self._shown_at = self._clock()
        if not self.shown:
            return
        if _watchers:
            _watchers[-1](self.line())
            return
        start = "\r\x1b[K" if self._terminal else ""
        print(start + printable(self.line()), end=end, file=sys.stderr, flush=True)


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
    """Write one line to stderr. Under torchrun only the main process does."""
    if is_main_process():
        print(printable(text), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds for people: 22 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
