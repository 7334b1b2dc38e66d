"""What a figure shows, before anything is drawn: names, numbers, units. Shares are in per cent here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["line", "points", "bar"]


@dataclass(frozen=True)
class Series:
    """One line, cloud or set of bars. `low` and `high` are ends of intervals; `colour` counts through the palette."""

    name: str
    x: Sequence[Any]
    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    kind: Kind = "line"
    colour: int = 0
    dashed: bool = False


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


def slug(*parts: str) -> str:
    """A file name of letters, digits and hyphens."""
    return "-".join("".join(c if c.isascii() and c.isalnum() else "-" for c in part).strip("-") for part in parts).lower()
