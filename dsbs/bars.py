"""A bar chart as an SVG file, for a first look."""

from collections.abc import Sequence
from html import escape

_ROW, _LABEL, _BAR = 28, 330, 400


def draw_bars(title: str, bars: Sequence[tuple[str, float]]) -> str:
    """The SVG of a horizontal bar for each (name, share between 0 and 1), the share written behind it."""
    height = _ROW * (len(bars) + 1)
    rows = [_row(number, name, share) for number, (name, share) in enumerate(bars, 1)]
    size = f'width="{_LABEL + _BAR + 70}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="14" role="img">'
    return "\n".join([head, f'<text x="0" y="18" font-weight="bold">{escape(title)}</text>', *rows, "</svg>\n"])


def _row(number: int, name: str, share: float) -> str:
    top, width = number * _ROW, round(_BAR * share, 1)
    return (
        f'<text x="0" y="{top + 18}">{escape(name)}</text>'
        f'<rect x="{_LABEL}" y="{top + 4}" width="{width}" height="{_ROW - 8}" fill="#3b6ea5"/>'
        f'<text x="{_LABEL + width + 6}" y="{top + 18}">{share:.1%}</text>'
    )
