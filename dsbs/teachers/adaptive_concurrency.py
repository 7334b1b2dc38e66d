"""How many requests may be in flight at once: as many as make a server faster, fewer when it cannot keep up."""

import time
from collections.abc import Callable

_START, _BACK_OFF, _WORTH = 8, 0.5, 1.05


class Gate:
    """Doubles while that raises the rate of answers, then creeps upwards; halves when a server says it is too much.

    Additive increase, multiplicative decrease, as in congestion control. A step up that brings less than 5 % more answers a
    second but makes each wait longer is taken back.
    """

    def __init__(self, upper: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.upper, self.limit, self._clock = upper, float(min(_START, upper)), clock
        self._doubling = True
        self._cut_at = clock()
        self._window = self._open_window()
        self._best: tuple[float, float, float] | None = None  # rate, seconds a request, limit

    def __call__(self) -> int:
        return max(1, int(self.limit))

    def succeeded(self, started: float) -> None:
        """A request that began at `started` was answered."""
        opened, count, waited = self._window
        self._window = (opened, count + 1, waited + self._clock() - started)
        if count + 1 >= max(self.limit, _START):
            self._judge()

    def overloaded(self, started: float) -> None:
        """A request was turned away or timed out. Those of one burst count once."""
        if started >= self._cut_at:
            self.limit = max(1.0, self.limit * _BACK_OFF)
            self._doubling, self._best, self._cut_at = False, None, self._clock()
            self._window = self._open_window()

    def _judge(self) -> None:
        opened, count, waited = self._window
        rate, seconds = count / max(self._clock() - opened, 1e-9), waited / count
        self._window = self._open_window()
        if (
            self._best
            and rate < self._best[0] * _WORTH
            and seconds > self._best[1] * _WORTH
            and self.limit > self._best[2]
        ):
            self._doubling, self.limit = False, self._best[2]
            return
        if self._best is None or rate > self._best[0]:
            self._best = rate, seconds, self.limit
        self.limit = min(self.upper, self.limit * 2 if self._doubling else self.limit + 1)

    def _open_window(self) -> tuple[float, int, float]:
        return self._clock(), 0, 0.0
