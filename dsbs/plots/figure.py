"""What a figure shows, before anything is drawn. Shares are in percent here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from dsbs.core.hashing import short_hash

Kind = Literal["line", "points", "bar"]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#7f7f7f")
"""Okabe and Ito's colors, which color-blind readers tell apart; the page lightens them on dark."""

OUTSIDE = "outside the fitted range"
"""The name of the shaded part of an axis."""

_MOST_MARKERS = 20
_MARGIN = 0.16  # decades on both sides: wide enough that two ticks of `_HEADS` always fit
_WIDE = 3  # decades from which powers of ten are ticks enough
_HEADS = ((1,), (1, 2, 5), (1, 1.5, 2, 2.5, 3, 4, 5, 7, 8))
_MOST_TICKS = 10
_LONGEST_NAME = 150
_SMALLEST = 1e-300
_LARGEST = 1e300


@dataclass(frozen=True)
class Series:
    """One line, cloud of points or set of bars."""

    name: str
    x: Sequence[Any]
    """Numbers, or names of categories."""
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    """Lower ends of the intervals of y; empty for none."""
    high: Sequence[float | None] = ()
    kind: Kind = "line"
    band: bool = False
    """Draw the intervals as a band along the line, not as a bar at each point."""
    color: int = 0
    """Place in the palette, which starts again at its end."""
    dashed: bool = False
    legend: str = ""
    """Entry in the legend, which several series may share. Default: the name."""

    @property
    def entry(self) -> str:
        """The text in the legend; empty for a series that has none."""
        return self.legend or self.name

    @property
    def hue(self) -> str:
        """The color as hexadecimal digits."""
        return PALETTE[self.color % len(PALETTE)]

    @property
    def has_intervals(self) -> bool:
        """Whether any point has an interval."""
        return any(low is not None for low in self.low)

    @property
    def has_markers(self) -> bool:
        """Whether each point gets a marker: not on a line of many points."""
        return self.kind == "points" or len(self.x) <= _MOST_MARKERS


class Tick(NamedTuple):
    """A tick of an axis and its label."""

    place: float
    label: str


class LogAxis(NamedTuple):
    """The ends of a logarithmic axis and its ticks."""

    low: float
    high: float
    ticks: Sequence[Tick]


@dataclass(frozen=True)
class Figure:
    """One figure."""

    name: str
    """Its file name, without a suffix."""
    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    level: tuple[str, float] | None = None
    """A horizontal line and its name."""
    marks: Mapping[str, float] = field(default_factory=dict)
    """Vertical lines by name."""
    outside: tuple[float, float] | None = None
    """The part of the x axis that lies outside what a law was fitted on; it is shaded."""
    caption: str = ""
    """What the lines, bars and intervals mean."""
    stacked: bool = False
    """Bars stand on top of each other, not side by side."""
    horizontal: bool = False
    """Bars lie: categories run down the page, and `x_label` names the vertical axis."""
    y_range: tuple[float, float] | None = None

    @property
    def log_axis(self) -> LogAxis:
        """The logarithmic x axis around all series and marks."""
        values = [float(x) for series in self.series for x in series.x]
        return log_axis([*values, *self.marks.values()])

    @property
    def first_of_entry(self) -> list[bool]:
        """For each series, whether it is the one that brings its entry into the legend."""
        entries = [series.entry for series in self.series]
        return [bool(e) and e not in entries[:at] for at, e in enumerate(entries)]


def log_axis(values: Iterable[float]) -> LogAxis:
    """A logarithmic axis around `values` that has two to ten round ticks inside.

    Ticks are powers of ten on a wide axis, else 1, 2 and 5 times powers of ten, else a finer set.
    Values that are not above 0, or not finite, have no place on the axis and are ignored.
    """
    logs = [math.log10(value) for value in values if _SMALLEST < value < _LARGEST] or [0.0]
    low = min(logs) - _MARGIN
    high = max(logs) + _MARGIN
    sets = _HEADS if high - low >= _WIDE else _HEADS[1:]
    found = (_ticks(low, high, heads) for heads in sets)
    ticks = next(ticks for ticks in found if len(ticks) >= 2)
    return LogAxis(10.0**low, 10.0**high, ticks[:: math.ceil(len(ticks) / _MOST_TICKS)])


def slug(*parts: str) -> str:
    """A file name of letters, digits and hyphens. A long one ends in its hash."""
    name = "-".join(
        "".join(c if c.isascii() and c.isalnum() else "-" for c in part).strip("-")
        for part in parts
    ).lower()
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}-{short_hash(name)}"


def _ticks(low: float, high: float, heads: Sequence[float]) -> list[Tick]:
    """`heads` times powers of ten, between two logarithms."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    return [
        Tick(head * 10.0**power, _label(head, power))
        for power in powers
        for head in heads
        if low <= math.log10(head) + power <= high
    ]


def _label(head: float, power: int) -> str:
    """A number in few letters: "0.5", "200", "2·10⁷"."""
    if -3 <= power <= 3:
        return f"{head * 10.0**power:,.4g}"
    raised = f"10{str(power).translate(_RAISED)}"
    return raised if head == 1 else f"{head}·{raised}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
