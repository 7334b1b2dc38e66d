"""Tables for people, as plain text."""

import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

_NUMBER = re.compile(r"–|[\d,.± %]*\d[\d,.± %]*")


class Share(float):
    """A number from 0 to 1 that is shown in percent."""


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", width: int = 160
) -> str:
    """A text table. Columns of numbers are aligned to the right; cells are shown as by `shown`."""
    rows = [[shown(value) for value in row] for row in rows]
    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for at, column in enumerate(columns):
        numeric = all(_NUMBER.fullmatch(row[at]) for row in rows)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*row)
    out = io.StringIO()
    Console(
        file=out, width=width, color_system=None, markup=False, highlight=False, emoji=False
    ).print(drawn)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines() if line.strip())


def percent(share: float | None) -> str:
    """A share as "77.2 %"."""
    return "–" if share is None else f"{share:.1%}".replace("%", " %")


def span(interval: Sequence[float] | None) -> str:
    """An interval of shares: "61.2 to 65.0 %"; a dash for none."""
    return "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def shown(value: Any) -> str:
    """A value as it stands in a table.

    None is a dash, integers have commas, floats four digits, shares are in percent, and a pair is
    an interval of shares.
    """
    match value:
        case None:
            return "–"
        case bool() | str():
            return str(value)
        case int():
            return f"{value:,}"
        case Share():
            return percent(value)
        case float():
            return f"{value:.4g}"
        case list() | tuple():
            return span(value)
        case _:
            return str(value)
