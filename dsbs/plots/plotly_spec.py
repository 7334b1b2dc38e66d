"""Figures as plotly's plain dictionaries, which the report's page draws."""

import html
import math
from itertools import zip_longest
from typing import Any

from dsbs.plots.figure import OUTSIDE, Figure, Series

_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross")
Spec = dict[str, Any]


def plotly_spec(figure: Figure) -> Spec:
    """`data` and `layout` for Plotly.newPlot. The page sets the colors of ground and text."""
    traces = []
    for series, labeled in zip(figure.series, figure.first_of_entry, strict=True):
        if series.band and series.has_intervals:
            traces.append(_band(series))
        traces.append(_trace(series, labeled, lying=figure.horizontal))
    return {"data": traces, "layout": _layout(figure)}


def _layout(figure: Figure) -> Spec:
    x_axis = _x_axis(figure)
    y_axis = _y_axis(figure)
    if figure.horizontal:
        x_axis, y_axis = y_axis, x_axis | {"autorange": "reversed"}
    return {
        "xaxis": x_axis,
        "yaxis": y_axis,
        "barmode": "stack" if figure.stacked else "group",
        "legend": {"orientation": "h", "yanchor": "top", "y": -0.25, "x": 0},
        "margin": {"l": 56, "r": 16, "t": 16, "b": 48},
        "hovermode": "closest",
        "shapes": _shapes(figure),
        "annotations": _annotations(figure),
    }


def _x_axis(figure: Figure) -> Spec:
    axis: Spec = {"title": {"text": _text(figure.x_label)}, "automargin": True}
    if any(isinstance(value, str) for series in figure.series for value in series.x):
        return axis | {"type": "category"}
    if not figure.log_x:
        return axis
    low, high, ticks = figure.log_axis
    places, labels = zip(*ticks, strict=True)
    ends = [math.log10(low), math.log10(high)]
    return axis | {"type": "log", "tickvals": places, "ticktext": labels, "range": ends}


def _y_axis(figure: Figure) -> Spec:
    axis: Spec = {
        "title": {"text": _text(figure.y_label)},
        "automargin": True,
        "rangemode": "normal",
    }
    return axis | ({"range": list(figure.y_range)} if figure.y_range else {})


def _shapes(figure: Figure) -> list[Spec]:
    """The level, the marks and the shaded part. Every shape has a `line`, which the page colors."""
    shapes: list[Spec] = []
    if figure.level:
        y = figure.level[1]
        across = {"xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y}
        shapes.append({"type": "line", **across, "line": {"dash": "dash"}})
    for x in figure.marks.values():
        upright = {"yref": "paper", "y0": 0, "y1": 1, "x0": x, "x1": x}
        shapes.append({"type": "line", **upright, "line": {"dash": "dot"}})
    if figure.outside:
        low, high = figure.outside
        area = {"yref": "paper", "y0": 0, "y1": 1, "x0": low, "x1": high, "layer": "below"}
        shapes.append({"type": "rect", **area, "fillcolor": "#999999", "opacity": 0.12, "line": {}})
    return shapes


def _annotations(figure: Figure) -> list[Spec]:
    """The names of what `_shapes` draws. On a log axis plotly places texts by logarithms."""
    notes: list[Spec] = []
    if figure.level:
        name, y = figure.level
        note = {"text": f"{_text(name)} {y:.1f}", "xref": "paper", "x": 0, "y": y}
        notes.append(note | {"xanchor": "left", "yanchor": "bottom", "showarrow": False})
    named = dict(figure.marks)
    if figure.outside:
        named[OUTSIDE] = figure.outside[0]
    for name, x in named.items():
        place = math.log10(x) if figure.log_x else x
        note = {"text": _text(name), "x": place, "yref": "paper", "y": 1, "textangle": -90}
        notes.append(note | {"xanchor": "left", "yanchor": "top", "showarrow": False})
    return notes


def _trace(series: Series, labeled: bool, *, lying: bool) -> Spec:
    x = [_text(value) if isinstance(value, str) else value for value in series.x]
    y = list(series.y)
    entry = _text(series.entry)
    known: Spec = {
        "name": entry,
        "legendgroup": entry,
        "showlegend": labeled,
        "hovertemplate": f"{_text(series.name)}: %{{x}}, %{{y:.4g}}<extra></extra>",
    }
    if series.kind == "bar":
        sides = {"x": y, "y": x, "orientation": "h"} if lying else {"x": x, "y": y}
        return known | sides | {"type": "bar", "marker": {"color": series.hue}}
    symbol = _SYMBOLS[series.color % len(_SYMBOLS)]
    trace = known | {
        "x": x,
        "y": y,
        "type": "scatter",
        "mode": _mode(series),
        "line": {"color": series.hue, "width": 2, "dash": "dot" if series.dashed else "solid"},
        "marker": {"color": series.hue, "size": 8, "symbol": symbol},
    }
    return trace | (
        {"error_y": _errors(series)} if series.has_intervals and not series.band else {}
    )


def _mode(series: Series) -> str:
    if series.kind == "points":
        return "markers"
    return "lines+markers" if series.has_markers else "lines"


def _errors(series: Series) -> Spec:
    ends = list(zip_longest(series.y, series.low, series.high))
    up = [None if high is None or y is None else high - y for y, _, high in ends]
    down = [None if low is None or y is None else y - low for y, low, _ in ends]
    drawn = {"type": "data", "symmetric": False, "thickness": 1.2, "width": 5}
    return drawn | {"array": up, "arrayminus": down}


def _band(series: Series) -> Spec:
    """The area between both ends of the intervals, as one outline there and back."""
    return {
        "x": [*series.x, *reversed(series.x)],
        "y": [*series.high, *reversed(series.low)],
        "type": "scatter",
        "mode": "lines",
        "fill": "toself",
        "opacity": 0.15,
        "line": {"color": series.hue, "width": 0},
        "marker": {"color": series.hue},
        "legendgroup": _text(series.entry),
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _text(text: str) -> str:
    """For plotly, which reads some HTML in its texts."""
    return html.escape(text, quote=False)
