"""Tables and the figure of `plan fit`."""

from dsbs.core.tables import Share
from dsbs.planning.fit import FitPlan
from dsbs.plots.figure import Figure, Series
from dsbs.plots.table import Table


def tables(plan: FitPlan) -> list[Table]:
    """The coefficients beside the published ones, and the error of both."""
    rows = [
        [
            one.name,
            one.value,
            _range(one.low, one.high),
            one.published,
            _range(*one.published_range),
            "AT ITS BOUND" if one.at_bound else "",
        ]
        for one in plan.coefficients
    ]
    errors = [["fitted", Share(plan.fitted_error)], ["published", Share(plan.published_error)]]
    title = f"The {plan.law} law, fitted to {plan.rows} runs"
    columns = ["coefficient", "fitted", "90 % interval", "published"]
    columns += ["published 90 % interval", "note"]
    return [
        Table("coefficients", title, columns, rows),
        Table("errors", "Mean error on these runs", ["coefficients", "relative"], errors),
    ]


def figures(plan: FitPlan) -> list[Figure]:
    """Expected over measured losses; a good law lies on the diagonal."""
    points = plan.points
    ends = [min(points.measured), max(points.measured)]
    series = [
        Series("exact", ends, ends, color=6),
        Series("fitted here", points.measured, points.fitted, kind="points"),
        Series("published", points.measured, points.published, kind="points", color=1),
    ]
    title = f"The {plan.law} law on {plan.rows} runs"
    return [Figure("fit", title, "measured loss", "expected loss", series)]


def _range(low: float, high: float) -> str:
    return f"{low:.4g} to {high:.4g}"
