"""What a figure shows, before anything is drawn: names, numbers, units. Shares are in per cent here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["line", "bar"]


@dataclass(frozen=True)
class Series:
    """One line or set of bars. `low` and `high` are ends of intervals; `colour` counts through the palette.

    Series of one `legend` share an entry there; left out, the name is the entry.
    """

    name: str
    x: Sequence[Any]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    kind: Kind = "line"
    colour: int = 0
    dashed: bool = False
    legend: str = ""


@dataclass(frozen=True)
class Figure:
    """One figure. `name` is its file; `level` a named horizontal line; `caption` says what the bars and lines mean."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    level: tuple[str, float] | None = None
    caption: str = ""
    stacked: bool = False
    y_range: tuple[float, float] | None = None

    @property
    def log_ticks(self) -> list[tuple[float, str]]:
        """Places and names of the ticks of a logarithmic axis: 1, 2, 5 times powers of ten, of wide ranges the powers."""
        values = [float(x) for series in self.series for x in series.x]
        low, high = math.log10(min(values)) - 0.15, math.log10(max(values)) + 0.15
        heads = (1, 2, 5) if high - low < 3 else (1,)
        ticks = [
            (head, power) for power in range(math.floor(low), math.ceil(high) + 1) for head in heads
        ]
        return [
            (head * 10.0**power, _short(head, power))
            for head, power in ticks
            if low <= math.log10(head) + power <= high
        ]


def slug(*parts: str) -> str:
    """A file name of letters, digits and hyphens."""
    return "-".join(
        "".join(c if c.isascii() and c.isalnum() else "-" for c in part).strip("-")
        for part in parts
    ).lower()


def _short(head: int, power: int) -> str:
    """A number in few letters: "0.5", "200", "2·10⁷"."""
    if -3 <= power <= 3:
        return f"{head * 10.0**power:.3g}" if power < 0 else f"{head * 10**power:,}"
    raised = f"10{str(power).translate(_RAISED)}"
    return raised if head == 1 else f"{head}·{raised}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
