"""One HTML file of everything.

The template escapes every text, figures and examples are data, and scripts are known by their
hashes.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from dsbs.core.require import require
from dsbs.core.version import __version__
from dsbs.plots.figure import Figure
from dsbs.plots.html import template
from dsbs.plots.plotly_spec import plotly_spec
from dsbs.plots.table import Table
from dsbs.reporting.example_browser import Examples
from dsbs.reporting.provenance import Source
from dsbs.reporting.teacher_section import Teacher

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A comparison as the page shows it."""

    anchor: str
    """Its name in links."""
    task: str
    heading: str
    verdict: str
    """One sentence; empty without one."""
    reasons: Sequence[str]
    """What it rests on."""
    paragraph: str
    """What was compared, and how to read it."""
    findings: Sequence[str]
    cautions: Sequence[str]
    figures: Sequence[Figure]
    published: Table | None
    """Published numbers beside its own, if they are wanted."""
    tables: Sequence[Table]
    curves: Sequence[Figure]
    examples: Examples | None


def render_page(
    title: str,
    comparisons: Sequence[Section],
    teachers: Sequence[Teacher],
    sources: Sequence[Source],
    made: str,
) -> str:
    """The page. Its content policy allows no script but its own, and no requests."""
    scripts = [_plotly(), (_HERE / "page.js").read_text(encoding="utf-8")]
    figures = page_figures(comparisons, teachers)
    return template(_HERE / "page.html.j2").render(
        title=title,
        version=__version__,
        made=made,
        comparisons=comparisons,
        teachers=teachers,
        provenance=sources,
        css=Markup((_HERE / "page.css").read_text(encoding="utf-8")),
        scripts=list(map(Markup, scripts)),
        script_hashes=_hashes(scripts),
        figures_json=htmlsafe_json_dumps({figure.name: plotly_spec(figure) for figure in figures}),
    )


def page_figures(comparisons: Iterable[Section], teachers: Iterable[Teacher]) -> list[Figure]:
    """Every figure of the page, in order."""
    found = [figure for section in comparisons for figure in (*section.figures, *section.curves)]
    return found + [figure for teacher in teachers for figure in teacher.figures]


def page_tables(
    comparisons: Iterable[Section], teachers: Iterable[Teacher], sources: Iterable[Source]
) -> list[Table]:
    """Every table of the page, in order."""
    found = [
        table
        for section in comparisons
        for table in (section.published, *section.tables)
        if table is not None
    ]
    found += [table for teacher in teachers for table in teacher.tables]
    return found + [table for source in sources for table in source.tables]


def _hashes(scripts: Sequence[str]) -> str:
    """The source expressions of a Content-Security-Policy that allow these scripts alone."""
    digests = [
        base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts
    ]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def _plotly() -> str:
    require("plotly.offline", "report", needed_by="dsbs report")
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
