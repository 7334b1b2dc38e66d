"""Figures of the answers, as a file or inside one HTML page. Needs Matplotlib, and only when one is asked for."""

import html
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from numpy.typing import NDArray

from dsbs.core.require import require
from dsbs.core.sizes import show_size
from dsbs.core.tables import shown
from dsbs.plots.figure import PALETTE

Array = NDArray[Any]


class Table(NamedTuple):
    """A table of an answer."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Series:
    """One thing in a chart. `low` and `high`: the band around a line. `x` of bars are names."""

    name: str
    x: Sequence[Any] | Array
    y: Sequence[float] | Array
    kind: Literal["line", "points", "bars"] = "line"
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    colour: int = 0


@dataclass(frozen=True)
class Chart:
    """One panel of a figure. `marks`: vertical lines by name; `outside`: where the x axis leaves what was fitted."""

    title: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    log_y: bool = False
    marks: Mapping[str, float] = field(default_factory=dict)
    outside: tuple[float, float] | None = None


def save_figure(path: Path, charts: Sequence[Chart]) -> None:
    """Write the charts side by side to an SVG, PNG or PDF file."""
    path.write_bytes(_drawn(charts, path.suffix.removeprefix(".")))


def save_page(
    path: Path,
    *,
    title: str,
    sentence: str,
    tables: Iterable[Table],
    notes: Iterable[str],
    charts: Sequence[Chart],
) -> None:
    """Write one HTML page that needs nothing beside it. Every text is escaped: names come from the user's files."""
    figure = _drawn(charts, "svg").decode()
    parts = [f"<h1>{html.escape(title)}</h1>", f"<p class=sentence>{html.escape(sentence)}</p>"]
    parts += [f"<figure>{figure[figure.index('<svg') :]}</figure>", *map(_html_table, tables)]
    parts += [
        "<h2>What this rests on</h2><ul>",
        *(f"<li>{html.escape(note)}</li>" for note in notes),
        "</ul>",
    ]
    path.write_text(_PAGE.format(title=html.escape(title), body="\n".join(parts)), encoding="utf-8")


def _drawn(charts: Sequence[Chart], suffix: str) -> bytes:
    require("matplotlib.figure", "report", needed_by="--plot")
    import matplotlib
    from matplotlib.figure import Figure

    # Text stays text, so that it can be searched and read aloud; no date, so that equal answers give equal files.
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": "dsbs",
        "font.size": 9,
        "axes.titlesize": 10,
    }
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(6.0 * len(charts), 4.2), layout="constrained")
        for at, chart in enumerate(charts, 1):
            _draw(figure.add_subplot(1, len(charts), at), chart)
        out = io.BytesIO()
        figure.savefig(
            out, format=suffix, dpi=150, metadata={"Date": None} if suffix == "svg" else None
        )
    return out.getvalue()


def _draw(axes: Any, chart: Chart) -> None:
    axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label)
    for series in chart.series:
        colour = PALETTE[series.colour % len(PALETTE)]
        match series.kind:
            case "bars":
                axes.barh(
                    list(series.x), list(series.y), color=colour, label=series.name, height=0.6
                )
                axes.invert_yaxis()
            case "points":
                axes.plot(series.x, series.y, "o", color=colour, label=series.name, markersize=5)
            case "line":
                axes.plot(series.x, series.y, color=colour, label=series.name)
        if series.low is not None and series.high is not None:
            axes.fill_between(
                series.x, series.low, series.high, color=colour, alpha=0.15, linewidth=0
            )
    if chart.log_x:
        axes.set_xscale("log")
        _few_ticks(axes)
    if chart.log_y:
        axes.set_yscale("log")
    for at, (name, x) in enumerate(chart.marks.items()):
        axes.axvline(
            x, color="#555555", linestyle=("--", ":", "-.")[at % 3], linewidth=1, label=name
        )
    if chart.outside is not None:
        axes.axvspan(
            *chart.outside,
            color="#999999",
            alpha=0.12,
            linewidth=0,
            label="outside what was fitted",
        )
    axes.grid(alpha=0.25)
    if len(chart.series) > 1 or chart.marks:
        axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _few_ticks(axes: Any) -> None:
    """1, 2, 5, 10 in plain numbers where few powers of ten are shown; Matplotlib's own ticks run into one another there."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_xlim()
    if high < 1e3 * low:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: show_size(x)))
        axes.xaxis.set_minor_formatter(NullFormatter())


def _html_table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(column)}</th>" for column in table.columns)
    rows = ["".join(f"<td>{html.escape(shown(value))}</td>" for value in row) for row in table.rows]
    body = "\n".join(f"<tr>{row}</tr>" for row in rows)
    return f"<h2>{html.escape(table.title)}</h2><table><tr>{head}</tr>\n{body}</table>"


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111; }}
.sentence {{ font-size: 1.15rem; }} figure {{ margin: 1rem 0; }} figure svg {{ max-width: 100%; height: auto; }}
table {{ border-collapse: collapse; display: block; overflow-x: auto; }}
th, td {{ padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; }} h2 {{ font-size: 1rem; }}
</style></head><body>
{body}
</body></html>
"""
