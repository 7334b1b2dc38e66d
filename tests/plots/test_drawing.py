"""One figure, drawn as a file and as plotly's dictionaries: both show all that the figure has."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsbs.plots import drawing
from dsbs.plots.drawing import draw_side_by_side, save_figures
from dsbs.plots.figure import OUTSIDE, Figure, Series
from dsbs.plots.plotly_spec import plotly_spec

LINES = Figure(
    "lines",
    "Costs $ and <b>",
    "parameters",
    "loss",
    [
        Series("banded", (1e6, 1e7, 1e8), (3, 2, 1), (2.5, 1.5, 0.5), (3.5, 2.5, 1.5), band=True),
        Series("barred", (1e6, 1e8), (3, None), (2, None), (4, None), color=1, dashed=True),
        Series("dots", (2e6, 2e7), (1, 2), kind="points", color=2),
        Series("one more", (2e6, 2e7), (1, 2), color=2, legend="dots"),
        Series("", (3e6,), (1,), kind="points"),
    ],
    log_x=True,
    level=("teacher", 2.5),
    marks={"best": 5e7},
    outside=(6e7, 1e8),
)
BARS = [Series("first", ("a", "b"), (1, 2), kind="bar"), Series("second", ("b", "c"), (3, 4), kind="bar", color=1)]  # fmt: skip


def svg(*figures: Figure) -> str:
    return draw_side_by_side(figures, "svg").decode()


def test_files_show_every_part_of_a_figure() -> None:
    text = svg(LINES)
    for part in ("banded", "barred", "dots", "best", OUTSIDE, "teacher 2.5", "10⁷", "parameters"):
        assert f">{part}<" in text, part
    assert "one more" not in text  # it shares the entry of the series before it
    assert "Costs $ and &lt;b&gt;" in text


def test_plotly_is_given_every_part_of_a_figure() -> None:
    spec = plotly_spec(LINES)
    band, line, barred, dots, more, unnamed = spec["data"]
    assert band["y"] == [3.5, 2.5, 1.5, 0.5, 1.5, 2.5]
    assert (line["name"], dots["mode"], barred["line"]["dash"]) == ("banded", "markers", "dot")
    assert barred["error_y"]["array"] == [1, None]
    assert [trace["showlegend"] for trace in (line, dots, more, unnamed)] == [True, True, False, False]  # fmt: skip
    assert [shape["type"] for shape in spec["layout"]["shapes"]] == ["line", "line", "rect"]
    notes = [note["text"] for note in spec["layout"]["annotations"]]
    assert notes == ["teacher 2.5", "best", OUTSIDE]
    low, high = spec["layout"]["xaxis"]["range"]
    assert low < 6 < 8 < high
    json.dumps(spec, allow_nan=False)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("horizontal", [False, True])
def test_bars_stand_or_lie_beside_or_on_top_of_each_other(stacked: bool, horizontal: bool) -> None:
    figure = Figure("b", "B", "what", "how much", BARS, stacked=stacked, horizontal=horizontal)
    text = svg(figure)
    assert all(f">{word}<" in text for word in ("a", "b", "c", "first", "second", "how much"))
    spec = plotly_spec(figure)
    values = [trace["x" if horizontal else "y"] for trace in spec["data"]]
    assert values == [[1, 2], [3, 4]]
    assert spec["layout"]["barmode"] == ("stack" if stacked else "group")
    vertical = spec["layout"]["yaxis"]["title"]["text"]
    assert vertical == ("what" if horizontal else "how much")


def test_equal_figures_give_equal_files(tmp_path: Path) -> None:
    first, second = (save_figures([LINES], tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["lines.svg", "lines.png"]
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]
    assert draw_side_by_side([LINES], "pdf") == draw_side_by_side([LINES], "pdf")


def test_figures_side_by_side_have_a_legend_each() -> None:
    text = svg(LINES, Figure("b", "B", "what", "how much", BARS))
    assert len(re.findall(r'id="legend_\d"', text)) == 2


SIZES = st.floats(-6, 13, allow_subnormal=False).map(lambda power: 10.0**power)


@settings(max_examples=60)
@given(
    points=st.lists(st.tuples(SIZES, SIZES, st.booleans()), min_size=1, max_size=4),
    log_x=st.booleans(),
)
def test_every_axis_that_is_drawn_has_ticks_inside_that_differ(
    points: list[tuple[float, float, bool]], log_x: bool
) -> None:
    """Values from 1e-6 to 1e13, alone or several, near and far apart; on y of either sign."""
    x = [at for at, _, _ in points]
    y = [-size if negative else size for _, size, negative in points]
    figure = Figure("f", "F", "x", "y", [Series("s", x, y, kind="points")], log_x=log_x)
    with drawing._drawn([figure]) as canvas:
        (axes,) = canvas.axes
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            drawn = axis.get_major_ticks(len(axis.get_majorticklocs()))
            places = zip(axis.get_majorticklocs(), drawn, strict=True)
            inside = [t.label1.get_text() for place, t in places if min(ends) <= place <= max(ends)]
            assert len(inside) >= 2, (x, y, ends)
            assert len(set(inside)) == len(inside), inside
            assert all(inside)
