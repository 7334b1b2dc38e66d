"""One HTML page of an answer, which needs nothing beside it: no script, no request."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from dsbs.core.version import __version__
from dsbs.planning.plan import Plan
from dsbs.plots.drawing import draw_side_by_side
from dsbs.plots.figure import Figure
from dsbs.plots.html import template
from dsbs.plots.table import Table

_TEMPLATE = Path(__file__).with_name("page.html.j2")


def render_page(title: str, plan: Plan, tables: Sequence[Table], figures: Sequence[Figure]) -> str:
    """The page. The template escapes every text, because names come from the user's files."""
    picture = draw_side_by_side(figures, "svg").decode()
    svg = picture[picture.index("<svg") :]
    return template(_TEMPLATE).render(
        title=title, plan=plan, tables=tables, figure=Markup(svg), version=__version__
    )
