"""Progress of long work on stderr: how much, how fast, how long still. Results go to stdout, never here."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType

_watchers: list[Callable[[str], None]] = []

_EVERY_S = {True: 0.2, False: 10.0}
"""A terminal line is redrawn often; a log gets a line now and then."""


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
        self.what, self.total, self.unit, self.shown, self.done, self.note = (
            what,
            total,
            unit,
            shown,
            0,
            "",
        )
        self._clock, self._started, self._shown = clock, clock(), clock()
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
        """Count work done; `note` stands at the end of the line."""
        self.done, self.note = self.done + count, note or self.note
        if self._clock() - self._shown >= _EVERY_S[self._terminal]:
            self._show(end="" if self._terminal else "\n")

    def skip(self, count: int) -> None:
        """Count work that was done before, which says nothing of the rate."""
        self._skipped += count
        self.done += count

    def line(self) -> str:
        """The line as text: "generate 2,000/9,741 rows (21 %), 350/s, 22 s left, 3 failed"."""
        elapsed = max(self._clock() - self._started, 1e-9)
        rate = (self.done - self._skipped) / elapsed
        parts = [
            f"{self.what} {self.done:,}"
            + (f"/{self.total:,}" if self.total else "")
            + f" {self.unit}"
        ]
        if self.total:
            parts[0] += f" ({self.done / self.total:.0%})"
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s")
        if self.total and rate:
            parts.append(
                f"{duration((self.total - self.done) / rate)} left"
                if self.done < self.total
                else duration(elapsed)
            )
        return ", ".join([*parts, self.note] if self.note else parts)

    def _show(self, end: str) -> None:
        self._shown = self._clock()
        if not self.shown:
            return
        if _watchers:
            _watchers[-1](self.line())
            return
        print(
            ("\r\x1b[K" if self._terminal else "") + self.line(),
            end=end,
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def watched_by(watch: Callable[[str], None]) -> Iterator[None]:
    """Hand every line of progress to `watch` instead of writing it, as long as this lasts."""
    _watchers.append(watch)
    try:
        yield
    finally:
        _watchers.remove(watch)


def say(text: str) -> None:
    """One line for the person who watches."""
    if os.environ.get("RANK", "0") == "0":  # under torchrun one process speaks
        print(text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds for people: 22 s, 3 min 20 s, 5 h 12 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
