"""Write one page about runs: what the comparison shows, the teacher, training, every example, where it all came from.

    python -m dsbs.report runs/cqa-compare
    python -m dsbs.report runs/cqa-compare runs/svamp-compare --compare-to-paper --price-per-hour 2.5 --out report

Leaves report.html, which needs nothing beside it, the same figures as SVG and PNG, and the same tables as CSV and LaTeX.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsbs.artifacts.manifest import newest_run
from dsbs.artifacts.results.compare import CompareResult
from dsbs.cli.stage import Stage
from dsbs.config.report import ReportConfig
from dsbs.core.errors import InputError
from dsbs.reporting.write import write_report


def report(config: ReportConfig) -> dict[str, Any]:
    """Write the report of the runs; see `write_report` for what is returned. A report that is there is replaced."""
    runs = list(config.runs) or [run for run in [newest_run(CompareResult)] if run]
    if not runs:
        fix = "run dsbs compare first, or name run folders"
        raise InputError(
            "RUNS", got="nothing", expected="a finished comparison below ./runs", fix=fix
        )
    shown = {
        name: getattr(config, name) for name in ("title", "compare_to_paper", "price_per_hour")
    }
    return write_report(runs, config.out or Path(runs[0]) / "report", **shown)


def show(results: Mapping[str, Any]) -> str:
    """Where the page is, and what is in it."""
    counts = f"{results['figures']} figures, {results['tables']} tables, {results['examples']:,} examples"
    return f"{results['page']}: {counts}, {results['bytes'] / 1e6:.1f} MB"


STAGE = Stage("report", ReportConfig, report, show)

if __name__ == "__main__":
    STAGE.main()
