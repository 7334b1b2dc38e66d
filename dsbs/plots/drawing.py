"""Figures as files: SVG, PNG or PDF by Matplotlib, which is loaded only when a figure is drawn."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dsbs.core.require import require
from dsbs.plots.figure import OUTSIDE, Figure, Series

_SOFT = "#555555"
_MARKERS = ("o", "D", "s", "^", "x", "P")
_MARK_STYLES = ("--", ":", "-.")
# Text stays text in an SVG, so that it can be searched; equal figures give equal files.
_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "dsbs", "font.size": 10}


def save_figures(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Each figure as SVG and PNG in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for figure in figures:
        with _drawn([figure]) as canvas:
            for suffix in ("svg", "png"):
                path = folder / f"{figure.name}.{suffix}"
                path.write_bytes(_bytes(canvas, suffix))
                paths.append(path)
    return paths


def draw_side_by_side(figures: Sequence[Figure], suffix: str) -> bytes:
    """The figures in one picture, as the content of a file with this suffix: svg, png or pdf."""
    with _drawn(figures) as canvas:
        return _bytes(canvas, suffix)


@contextmanager
def _drawn(figures: Sequence[Figure]) -> Iterator[Any]:
    """A Matplotlib figure with these figures side by side."""
    require("matplotlib.figure", "report", needed_by="a figure")
    import matplotlib as mpl
    from matplotlib.figure import Figure as Canvas

    with mpl.rc_context(_SETTINGS):
        canvas = Canvas(figsize=(7 * len(figures), 4.6), layout="constrained")
        parts = canvas.subfigures(1, len(figures), squeeze=False)[0]
        for figure, part in zip(figures, parts, strict=True):
            _draw(figure, part.add_subplot())
            if figure.series:
                part.legend(loc="outside lower center", ncols=2, fontsize=8, frameon=False)
        # Finding room for everything takes as long as drawing it: once is enough for all files.
        canvas.draw_without_rendering()
        canvas.set_layout_engine("none")
        yield canvas


def _bytes(canvas: Any, suffix: str) -> bytes:
    out = io.BytesIO()
    # Without a date, so that equal figures give equal files.
    date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(suffix)
    canvas.savefig(out, format=suffix, dpi=150, metadata=date)
    return out.getvalue()


def _draw(figure: Figure, axes: Any) -> None:
    _draw_bars(figure, axes)
    for series, labeled in zip(figure.series, figure.first_of_entry, strict=True):
        if series.kind != "bar":
            _draw_line(axes, series, _label(series, labeled))
    if figure.level:
        _draw_level(axes, *figure.level)
    for at, (name, x) in enumerate(figure.marks.items()):
        style = _MARK_STYLES[at % len(_MARK_STYLES)]
        axes.axvline(x, color=_SOFT, linestyle=style, linewidth=1, label=_plain(name))
    if figure.outside:
        axes.axvspan(*figure.outside, color="#999999", alpha=0.12, linewidth=0, label=OUTSIDE)
    labels = [_plain(figure.x_label), _plain(figure.y_label)]
    x_label, y_label = reversed(labels) if figure.horizontal else labels
    axes.set(title=_plain(figure.title), xlabel=x_label, ylabel=y_label)
    if figure.log_x:
        _set_log_axis(figure, axes)
    if figure.y_range:
        axes.set_ylim(*figure.y_range)
    axes.grid(alpha=0.3)


def _draw_bars(figure: Figure, axes: Any) -> None:
    """All bars, over the categories of the x axis (or of the y axis, where bars lie)."""
    bars = [
        (series, labeled)
        for series, labeled in zip(figure.series, figure.first_of_entry, strict=True)
        if series.kind == "bar"
    ]
    if not bars:
        return
    names = list(dict.fromkeys(x for series, _ in bars for x in series.x))
    beside = 1 if figure.stacked else len(bars)
    width = 0.8 / beside
    tops = dict.fromkeys(names, 0.0)
    for at, (series, labeled) in enumerate(bars):
        shift = 0.0 if figure.stacked else (at - (beside - 1) / 2) * width
        places = [names.index(x) + shift for x in series.x]
        lengths = [y or 0.0 for y in series.y]
        starts = [tops[x] if figure.stacked else 0.0 for x in series.x]
        draw = axes.barh if figure.horizontal else axes.bar
        draw(places, lengths, width, starts, color=series.hue, label=_label(series, labeled))
        tops |= {x: start + y for x, start, y in zip(series.x, starts, lengths, strict=True)}
    labels = [_plain(str(name)) for name in names]
    if figure.horizontal:
        axes.set_yticks(range(len(names)), labels)
        axes.invert_yaxis()
    else:
        axes.set_xticks(range(len(names)), labels)


def _draw_line(axes: Any, series: Series, label: str) -> None:
    """A line or points, with their intervals."""
    nan = float("nan")
    y = [nan if value is None else value for value in series.y]
    style = {"color": series.hue, "label": label, "capsize": 3, "markersize": 5, "elinewidth": 1}
    marker = _MARKERS[series.color % len(_MARKERS)] if series.has_markers else ""
    line = "none" if series.kind == "points" else ":" if series.dashed else "-"
    error = None
    if series.has_intervals and series.band:
        low, high = ([nan if v is None else v for v in ends] for ends in (series.low, series.high))
        axes.fill_between(series.x, low, high, color=series.hue, alpha=0.15, linewidth=0)
    elif series.has_intervals:
        error = _errors(series)
    axes.errorbar(series.x, y, yerr=error, linestyle=line, marker=marker, **style)


def _errors(series: Series) -> list[tuple[float, ...]]:
    """Distances from y down to the lower and up to the higher ends: 0 where there is none."""
    ends = zip(series.y, series.low, series.high, strict=True)
    pairs = [
        (0.0, 0.0) if y is None or low is None or high is None else (y - low, high - y)
        for y, low, high in ends
    ]
    return list(zip(*pairs, strict=True))


def _draw_level(axes: Any, name: str, y: float) -> None:
    axes.axhline(y, color=_SOFT, linestyle="--", linewidth=1)
    place = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
    axes.annotate(_plain(f"{name} {y:.1f}"), (1, y), fontsize=9, **place)


def _set_log_axis(figure: Figure, axes: Any) -> None:
    low, high, ticks = figure.log_axis
    axes.set_xscale("log")
    axes.set_xticks(*zip(*ticks, strict=True))
    axes.minorticks_off()
    axes.set_xlim(low, high)


def _label(series: Series, labeled: bool) -> str:
    """The legend's text; Matplotlib leaves names out that begin with an underscore."""
    return _plain(series.entry) if labeled else "_"


def _plain(text: str) -> str:
    """For Matplotlib, which reads mathematics between dollars."""
    return text.replace("$", r"\$")
