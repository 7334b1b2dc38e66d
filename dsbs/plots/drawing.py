"""Draw figures: as plotly's plain dictionaries for the page, and as SVG and PNG files by matplotlib."""

import html
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from dsbs.plots.figure import Figure, Series

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#8c6bb1", "#7f7f7f")
"""Okabe and Ito's colours, which colour-blind readers tell apart; the page lightens them on dark ground."""
_SHAPES = (
    ("circle", "o"),
    ("diamond", "D"),
    ("square", "s"),
    ("triangle-up", "^"),
    ("x", "x"),
    ("cross", "P"),
)

_MOST_MARKS = 20


def plotly_spec(figure: Figure) -> dict[str, Any]:
    """`data` and `layout` for Plotly.newPlot; colours of ground and text are the page's, set when it is shown."""
    x_axis = {"title": {"text": _text(figure.x_label)}, "automargin": True}
    if figure.log_x:
        places, names = zip(*figure.log_ticks, strict=True)
        x_axis |= {"type": "log", "tickvals": places, "ticktext": names}
    if any(isinstance(value, str) for series in figure.series for value in series.x):
        x_axis |= {"type": "category"}
    y_axis: dict[str, Any] = {
        "title": {"text": _text(figure.y_label)},
        "automargin": True,
        "rangemode": "normal",
    }
    y_axis |= {"range": list(figure.y_range)} if figure.y_range else {}
    layout: dict[str, Any] = {
        "xaxis": x_axis,
        "yaxis": y_axis,
        "barmode": "stack" if figure.stacked else "group",
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.25, "x": 0},
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "hovermode": "closest",
    }
    if figure.level:
        name, y = figure.level
        layout["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": y,
                "y1": y,
                "line": {"dash": "dash"},
            }
        ]
        note = {
            "text": f"{_text(name)} {y:.1f}",
            "xref": "paper",
            "x": 0,
            "y": y,
            "showarrow": False,
        }
        layout["annotations"] = [note | {"xanchor": "left", "yanchor": "bottom"}]
    entries = _entries(figure)
    traces = [_trace(series) | entry for series, entry in zip(figure.series, entries, strict=True)]
    return {"data": traces, "layout": layout}


def save_figures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Each figure as SVG and PNG in `folder`."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    # Text stays text in the SVG, and the same figure gives the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "dsbs", "font.size": 10}):
        for figure in figures:
            canvas = Canvas(figsize=(7, 4.6), layout="constrained")
            _draw(figure, canvas.add_subplot())
            # Finding room for everything takes as long as drawing it: once is enough for both files.
            canvas.draw_without_rendering()
            canvas.set_layout_engine("none")
            for suffix, settings in (("svg", {"metadata": {"Date": None}}), ("png", {"dpi": 150})):
                canvas.savefig(folder / f"{figure.name}.{suffix}", **settings)
                paths.append(folder / f"{figure.name}.{suffix}")
    return paths


def _entries(figure: Figure) -> list[dict[str, Any]]:
    """What puts series into the legend: once for all of one entry, which a click shows or hides together."""
    entries = []
    for at, series in enumerate(figure.series):
        first = series.legend not in [other.legend for other in figure.series[:at]]
        hover = f"{_text(series.name)}: %{{x}}, %{{y:.4g}}<extra></extra>"
        shared = {
            "name": _text(series.legend),
            "legendgroup": _text(series.legend),
            "showlegend": first,
        }
        entries.append({**shared, "hovertemplate": hover} if series.legend else {})
    return entries


def _trace(series: Series) -> dict[str, Any]:
    colour = PALETTE[series.colour % len(PALETTE)]
    known = {
        "name": _text(series.name),
        "x": [_text(x) if isinstance(x, str) else x for x in series.x],
        "y": list(series.y),
    }
    if series.kind == "bar":
        return {**known, "type": "bar", "marker": {"color": colour}}
    ends = list(zip_longest(series.y, series.low, series.high))
    trace: dict[str, Any] = {
        **known,
        "type": "scatter",
        "mode": "lines+markers" if _marked(series) else "lines",
        "line": {"color": colour, "width": 2, "dash": "dot" if series.dashed else "solid"},
        "marker": {"color": colour, "size": 8, "symbol": _SHAPES[series.colour % len(_SHAPES)][0]},
    }
    if any(low is not None for _, low, _ in ends):
        up = [None if high is None or y is None else high - y for y, _, high in ends]
        down = [None if low is None or y is None else y - low for y, low, _ in ends]
        trace["error_y"] = {
            "type": "data",
            "symmetric": False,
            "array": up,
            "arrayminus": down,
            "thickness": 1.2,
            "width": 5,
        }
    return trace


def _draw(figure: Figure, axes: Any) -> None:
    bottoms: dict[Any, float] = {}
    bars = [series for series in figure.series if series.kind == "bar"]
    for at, series in enumerate(figure.series):
        colour, label = PALETTE[series.colour % len(PALETTE)], _plain(series.legend or series.name)
        if series.legend and series.legend in [other.legend for other in figure.series[:at]]:
            label = "_"  # matplotlib leaves such names out of the legend
        if series.kind == "bar":
            _draw_bars(
                axes,
                series,
                at,
                1 if figure.stacked else len(bars),
                bottoms if figure.stacked else {},
            )
            continue
        y = [float("nan") if value is None else value for value in series.y]
        error = _errors(series)
        style = {"color": colour, "label": label, "capsize": 3, "markersize": 5, "elinewidth": 1}
        marker = _SHAPES[series.colour % len(_SHAPES)][1] if _marked(series) else ""
        axes.errorbar(
            series.x, y, yerr=error, linestyle=":" if series.dashed else "-", marker=marker, **style
        )
    if figure.level:
        axes.axhline(figure.level[1], color="#555555", linestyle="--", linewidth=1)
        text = f"{figure.level[0]} {figure.level[1]:.1f}"
        axes.annotate(
            text,
            (1, figure.level[1]),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="bottom",
            fontsize=9,
        )
    axes.set(
        title=_plain(figure.title), xlabel=_plain(figure.x_label), ylabel=_plain(figure.y_label)
    )
    if figure.log_x:
        axes.set_xscale("log")
        axes.set_xticks(*zip(*figure.log_ticks, strict=True))
        axes.minorticks_off()
    if figure.y_range:
        axes.set_ylim(*figure.y_range)
    axes.grid(alpha=0.3)
    if figure.series:
        axes.figure.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)


def _draw_bars(axes: Any, series: Series, at: int, beside: int, bottoms: dict[Any, float]) -> None:
    """Bars over categories: on top of each other where `bottoms` is kept, else beside each other."""
    width = 0.8 / beside
    places = [
        place + (at - (beside - 1) / 2) * width if beside > 1 else place
        for place in range(len(series.x))
    ]
    below = [bottoms.get(x, 0.0) for x in series.x]
    axes.bar(
        places,
        series.y,
        width,
        bottom=below,
        color=PALETTE[series.colour % len(PALETTE)],
        label=_plain(series.name),
    )
    axes.set_xticks(range(len(series.x)), [_plain(str(x)) for x in series.x])
    bottoms.update(
        {x: base + (y or 0) for x, base, y in zip(series.x, below, series.y, strict=True)}
    )


def _errors(series: Series) -> Any:
    if not any(low is not None for low in series.low):
        return None
    ends = zip(series.y, series.low, series.high, strict=True)
    pairs = [(0.0, 0.0) if None in (y, low, high) else (y - low, high - y) for y, low, high in ends]  # type: ignore[operator]
    return list(zip(*pairs, strict=True))


def _marked(series: Series) -> bool:
    """Whether single points are worth a mark: not in a curve of many."""
    return len(series.x) <= _MOST_MARKS


def _text(text: str) -> str:
    """For plotly, which reads some HTML in its texts."""
    return html.escape(text, quote=False)


def _plain(text: str) -> str:
    """For matplotlib, which reads mathematics between dollars."""
    return text.replace("$", r"\$")
