"""Tables for people, as plain text."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", width: int = 160
) -> str:
    """A text table. Numbers stand at the right; floats are shown with what matters of them; None is a dash."""
    rows = [[shown(value) for value in row] for row in rows]
    drawn = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for at, column in enumerate(columns):
        numeric = all(_is_number(row[at]) for row in rows)
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


def shown(value: Any) -> str:
    """A value as it stands in a table: None is a dash, integers have commas, floats four digits."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)


def _is_number(text: str) -> bool:
    return (
        text == "–"
        or text.replace(",", "")
        .replace(".", "")
        .replace("±", "")
        .replace("%", "")
        .replace(" ", "")
        .isdigit()
    )


def span(interval: Any) -> str:
    """An interval of shares: "61.2 to 65.0 %"; a dash for none."""
    return "–" if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"
