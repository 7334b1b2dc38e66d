"""From run folders to a folder with the page, its figures and its tables."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dsbs.comparison import findings
from dsbs.core.errors import InputError
from dsbs.plots.drawing import save_figures
from dsbs.plots.figure import slug
from dsbs.plots.table import save_tables
from dsbs.reporting.comparison_figures import accuracy_figures, curve_figures
from dsbs.reporting.comparison_tables import comparison_tables
from dsbs.reporting.example_browser import packed_examples
from dsbs.reporting.load_runs import Collected, Comparison, collect, numbered
from dsbs.reporting.methods_paragraph import paragraph
from dsbs.reporting.page import Section, page_figures, page_tables, render_page
from dsbs.reporting.paper_numbers import beside_the_paper
from dsbs.reporting.provenance import provenance
from dsbs.reporting.teacher_section import Teacher, describe_teacher

PAGE = "report.html"


def write_report(
    runs: Sequence[Path],
    out: Path,
    *,
    title: str | None = None,
    compare_to_paper: bool = False,
    price_per_hour: float | None = None,
) -> dict[str, Any]:
    """Write OUT/report.html, OUT/figures/*.svg and *.png, OUT/tables/*.csv and *.tex about runs of compare, train, generate.

    Returns `page`, its size in `bytes`, how many `figures`, `tables` and `examples`, and the `tasks`. InputError for folders
    that are no such runs or have no results, and where the libraries of the extra `report` are missing.
    """
    if out.exists() and not out.is_dir():
        raise InputError(
            f"--out {out}", got="a file", expected="a folder", fix="choose another --out"
        )
    collected = collect(runs)
    sections = [
        _section(c, compare_to_paper=compare_to_paper, price_per_hour=price_per_hour)
        for c in collected.comparisons
    ]
    teachers, sources = _teachers(collected), provenance(collected)
    tasks = list(
        dict.fromkeys(
            [section.task for section in sections]
            + [t["task"] for t in collected.teachers.values()]
        )
    )
    made = datetime.now().astimezone().isoformat(" ", "minutes")
    page = render_page(title or f"dsbs: {', '.join(tasks)}", sections, teachers, sources, made)
    figures = save_figures(page_figures(sections, teachers), out / "figures")
    tables = save_tables(page_tables(sections, teachers, sources), out / "tables")
    (out / PAGE).write_text(page, encoding="utf-8")
    return {
        "page": str(out / PAGE),
        "bytes": (out / PAGE).stat().st_size,
        "figures": len(figures) // 2,
        "tables": len(tables) // 2,
        "examples": sum(section.examples["shown"] for section in sections if section.examples),
        "tasks": tasks,
    }


def _section(
    comparison: Comparison, *, compare_to_paper: bool, price_per_hour: float | None
) -> Section:
    # What is to be said of the teacher's answers stands in its own section.
    results = {**comparison.results, "teacher": {}}
    return Section(
        anchor=slug(comparison.name),
        task=comparison.task,
        heading=f"{comparison.name}: what the comparison shows",
        paragraph=paragraph(comparison),
        findings=findings.findings(results),
        warnings=findings.cautions(results),
        figures=accuracy_figures(comparison, price_per_hour),
        published=beside_the_paper(comparison) if compare_to_paper else None,
        tables=comparison_tables(comparison),
        curves=curve_figures(comparison),
        examples=packed_examples(comparison),
    )


def _teachers(collected: Collected) -> list[Teacher]:
    found = collected.teachers
    names = numbered([f"{results['teacher']} on {results['task']}" for results in found.values()])
    return [
        describe_teacher(path, results, name)
        for (path, results), name in zip(found.items(), names, strict=True)
    ]
