"""How many requests may be in flight at once: more while a server gets faster, fewer when it is
slow.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

_START = 8
"""Requests in flight at the start, and fewest answers per measurement."""

_BACK_OFF = 0.5
_WORTH = 1.05
"""By what factor the rate must rise for more requests in flight to be worth a longer wait."""


class _Measured(NamedTuple):
    """The rate of answers at one limit."""

    rate: float
    """Answers per second."""
    wait_s: float
    """Mean seconds per request."""
    limit: float


class Gate:
    """The limit on requests in flight.

    It doubles as long as that raises the rate of answers, then creeps upwards; it halves when a
    server says that it has too much to do: additive increase and multiplicative decrease, as in
    congestion control. A step up that brings less than 5 % more answers per second, but makes each
    wait longer, is taken back.
    """

    def __init__(self, upper: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.upper = upper
        self.limit = float(min(_START, upper))
        self._clock = clock
        self._doubling = True
        self._cut_at = clock()
        self._best: _Measured | None = None
        self._open_window()

    def __call__(self) -> int:
        """The limit now."""
        return max(1, int(self.limit))

    def succeeded(self, started: float) -> None:
        """Count a request that began at `started` and was answered."""
        self._answered += 1
        self._waited_s += self._clock() - started
        if self._answered >= max(self.limit, _START):
            self._judge()

    def overloaded(self, started: float) -> None:
        """Halve the limit for a request that was refused or timed out. A burst counts once."""
        if started >= self._cut_at:
            self.limit = max(1.0, self.limit * _BACK_OFF)
            self._doubling = False
            self._best = None
            self._cut_at = self._clock()
            self._open_window()

    def _judge(self) -> None:
        """Raise the limit, or take the last step back."""
        seconds = max(self._clock() - self._opened, 1e-9)
        now = _Measured(self._answered / seconds, self._waited_s / self._answered, self.limit)
        self._open_window()
        best = self._best
        if best is not None and now.limit > best.limit:
            faster = now.rate >= best.rate * _WORTH
            slower_each = now.wait_s > best.wait_s * _WORTH
            if slower_each and not faster:
                self._doubling = False
                self.limit = best.limit
                return
        if best is None or now.rate > best.rate:
            self._best = now
        self.limit = min(self.upper, self.limit * 2 if self._doubling else self.limit + 1)

    def _open_window(self) -> None:
        """Begin a measurement."""
        self._opened = self._clock()
        self._answered = 0
        self._waited_s = 0.0
