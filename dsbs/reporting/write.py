"""From run folders to a folder with the page, its figures and its tables."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dsbs.comparison import findings
from dsbs.comparison.cautions import cautions
from dsbs.core.errors import InputError
from dsbs.core.files import write_text
from dsbs.plots.drawing import save_figures
from dsbs.plots.figure import slug
from dsbs.plots.table import Table, save_tables
from dsbs.reporting.cascade_table import cascade_table
from dsbs.reporting.collected import Collected, Comparison
from dsbs.reporting.comparison_figures import accuracy_figures
from dsbs.reporting.comparison_tables import comparison_tables
from dsbs.reporting.curve_figures import curve_figures
from dsbs.reporting.example_browser import packed_examples
from dsbs.reporting.load_runs import collect, numbered
from dsbs.reporting.methods_paragraph import methods_paragraph
from dsbs.reporting.page import Section, page_figures, page_tables, render_page
from dsbs.reporting.paper_numbers import beside_the_paper
from dsbs.reporting.provenance import provenance
from dsbs.reporting.teacher_figures import teacher_figures
from dsbs.reporting.teacher_section import Teacher, describe_teacher

PAGE = "report.html"


@dataclass(frozen=True)
class Report:
    """What was written."""

    page: str
    """The file."""
    bytes: int
    """Its size."""
    figures: int
    tables: int
    examples: int
    """Test questions that the page shows."""
    tasks: list[str]


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    title: str | None = None,
    compare_to_paper: bool = False,
    price_per_hour: float | None = None,
) -> Report:
    """Write OUT/report.html, OUT/figures/*.svg and *.png, OUT/tables/*.csv and *.tex.

    Everything is written beside the old report first. If that fails, the old report stays whole.

    Args:
        runs: Run folders of compare, train and generate.
        out: The folder to write to.
        title: Title of the page. Default: the tasks.
        compare_to_paper: Whether to add published numbers.
        price_per_hour: Price of a training device per hour, for a figure of cost.

    Raises:
        InputError: A folder is no such run or has no results, or a package is missing.
    """
    _make_folder(out)
    collected = collect(runs)
    sections = [
        _section(c, compare_to_paper=compare_to_paper, price_per_hour=price_per_hour)
        for c in collected.comparisons
    ]
    teachers = _teachers(collected)
    sources = provenance(collected)
    tasks = [section.task for section in sections]
    tasks += [results.task for results in collected.teachers.values()]
    tasks = list(dict.fromkeys(tasks))
    made = datetime.now().astimezone().isoformat(" ", "minutes")
    page = render_page(title or f"dsbs: {', '.join(tasks)}", sections, teachers, sources, made)
    figures = page_figures(sections, teachers)
    tables = page_tables(sections, teachers, sources)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=out) as name:
        partial = Path(name)
        save_figures(figures, partial / "figures")
        save_tables(tables, partial / "tables")
        write_text(partial / PAGE, page)
        _move_into_place(partial, out)
    return Report(
        page=str(out / PAGE),
        bytes=(out / PAGE).stat().st_size,
        figures=len(figures),
        tables=len(tables),
        examples=sum(section.examples.shown for section in sections if section.examples),
        tasks=tasks,
    )


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        got = "a file" if isinstance(error, FileExistsError) else error.strerror
        raise InputError(
            f"--out {out}",
            got=got,
            expected="a folder to write to",
            fix="choose another --out",
        ) from None


def _move_into_place(partial: Path, out: Path) -> None:
    """Move every file to the same place below `out`, where it replaces an older one."""
    for file in [path for path in partial.rglob("*") if path.is_file()]:
        place = out / file.relative_to(partial)
        place.parent.mkdir(exist_ok=True)
        file.replace(place)


def _section(
    comparison: Comparison, *, compare_to_paper: bool, price_per_hour: float | None
) -> Section:
    results = comparison.results
    # The page has a section about the teacher's answers, so they are not repeated here.
    without_teacher = results.model_copy(update={"teacher": {}})
    return Section(
        anchor=slug(comparison.name),
        task=comparison.task,
        heading=f"{comparison.name}: findings",
        verdict=results.verdict.sentence if results.verdict else "",
        reasons=results.verdict.reasons if results.verdict else (),
        paragraph=methods_paragraph(results),
        findings=findings.findings(results),
        cautions=cautions(without_teacher),
        figures=[*accuracy_figures(comparison, price_per_hour), *teacher_figures(comparison)],
        published=beside_the_paper(comparison) if compare_to_paper else None,
        tables=[*comparison_tables(comparison), *_filled(cascade_table(comparison))],
        curves=curve_figures(comparison),
        examples=packed_examples(comparison),
    )


def _filled(table: Table) -> list[Table]:
    """The table, if it has rows."""
    return [table] if table.rows else []


def _teachers(collected: Collected) -> list[Teacher]:
    found = collected.teachers
    names = numbered([f"{results.teacher} on {results.task}" for results in found.values()])
    return [
        describe_teacher(path, results, name)
        for (path, results), name in zip(found.items(), names, strict=True)
    ]
