"""Write one page about runs: findings, the teacher, training, every example, and provenance.

    python -m dsbs.report runs/cqa-compare
    python -m dsbs.report runs/cqa-compare runs/svamp-compare --compare-to-paper --out report

Leaves report.html, which needs no other file, the same figures as SVG and PNG, and the same tables
as CSV and LaTeX.
"""

from pathlib import Path

from dsbs.artifacts.manifest import newest_run
from dsbs.artifacts.results.compare import CompareResult
from dsbs.cli.stage import Stage
from dsbs.config.report import ReportConfig
from dsbs.core.errors import InputError
from dsbs.core.require import check_installed
from dsbs.reporting.write import Report, write_report


def report(config: ReportConfig) -> Report:
    """Write the report of the runs. It replaces an earlier report in the same folder."""
    needed = ("matplotlib", "plotly", "scipy", "statsmodels")
    check_installed(*needed, extra="report", needed_by="dsbs report")
    newest = newest_run(CompareResult) if not config.runs else None
    runs = [newest] if newest else list(config.runs)
    if not runs:
        raise InputError(
            "RUNS",
            got="nothing",
            expected="a finished comparison below ./runs",
            fix="run dsbs compare first, or name run folders",
        )
    return write_report(
        runs,
        config.out or Path(runs[0]) / "report",
        title=config.title,
        compare_to_paper=config.compare_to_paper,
        price_per_hour=config.price_per_hour,
    )


def show(results: Report) -> str:
    """Where the page is, and what is in it."""
    figures = f"{results.figures} figures, {results.tables} tables"
    size = f"{results.bytes / 1e6:.1f} MB"
    return f"{results.page}: {figures}, {results.examples:,} examples, {size}"


STAGE = Stage("report", ReportConfig, report, show)

if __name__ == "__main__":
    STAGE.main()
