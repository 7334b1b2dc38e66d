"""The answer of `plan forecast`."""

from typing import Literal

from dsbs.core.tables import percent
from dsbs.planning.growth import Growth
from dsbs.planning.plan import Estimate, Part, Plan
from dsbs.scaling.fitting import STARTS

BEYOND = "refused: beyond the limit"


class MeasuredAccuracy(Part):
    """The mean accuracy over seeds at one number of rows."""

    rows: int
    accuracy: float
    seeds: int


class Cells(Part):
    """Every measured student, in columns."""

    rows: list[float]
    accuracy: list[float]


class Band(Part):
    """The fitted curve with its 90 % intervals, in columns, as far as it is trusted."""

    rows: list[float]
    low: list[float]
    accuracy: list[float]
    high: list[float]


class HeldOut(Part):
    """The accuracy at the largest number of rows, forecast from the smaller ones and measured."""

    rows: float
    predicted: float
    measured: float
    trusted: bool

    @property
    def words(self) -> str:
        """Both accuracies."""
        both = f"{percent(self.predicted)} predicted, {percent(self.measured)} measured"
        return f"{both} at {self.rows:,.0f} rows, from the smaller fractions"


class Target(Part):
    """How many rows reach the target."""

    status: Literal["reached", "forecast", "beyond", "above_ceiling"]
    """beyond: more rows than the limit; above_ceiling: not with any number of rows."""
    accuracy_at_limit: Estimate
    rows: Estimate | None = None
    """Cut at the limit."""
    beyond_limit: bool = False
    """Whether the upper end of `rows` lies beyond the limit."""
    times: float | None = None
    """`rows` as a multiple of the largest number tried."""


class AllRows(Part):
    """The accuracy with all rows there are."""

    rows: int
    status: Literal["measured", "forecast", "refused"]
    accuracy: Estimate | None
    """None where it is refused. A measured accuracy has no width."""


class CurveForecast(Part):
    """One student, method and label source."""

    name: str
    student: str
    method: str
    labels: str
    measured: list[MeasuredAccuracy]
    cells: Cells
    drawn: Band
    ceiling: Estimate
    """The accuracy of infinitely many rows."""
    exponent: Estimate
    noise: float
    limit_rows: int
    """The most rows that are forecast."""
    backtest: HeldOut | None
    """None where too few fractions would remain."""
    target: Target
    full: AllRows


class ForecastPlan(Plan):
    """What more data or a bigger student would bring, best curve first."""

    task: str
    target: float
    """The accuracy to reach."""
    curves: list[CurveForecast]
    growth: list[Growth]
    """One for each method and label source."""
    skipped: list[str]
    """Curves with too few fractions."""
    samples: int
    """Bootstrap samples."""

    def _sentence(self) -> str:
        best = self.curves[0]
        words = f"For the best curve ({best.name}), {_target_words(best, self.target)}"
        if best.full.status == "forecast":
            words += f"; all {best.full.rows:,} rows would give {full_words(best.full)}"
        paying = [one.gains.pays_more for one in self.growth if one.gains and one.gains.pays_more]
        if paying:
            which = "a bigger student pays" if paying[0] == "bigger student" else "more data pays"
            words += f"; {which} more"
        return f"{words}."

    def _rests_on(self) -> list[str]:
        tested = [(curve.name, curve.backtest) for curve in self.curves if curve.backtest]
        notes = [
            f"REFUSED to extrapolate {name}: {held_out.words}"
            for name, held_out in tested
            if not held_out.trusted
        ]
        notes += [f"held out: {name}: {one.words}" for name, one in tested if one.trusted]
        notes += [f"skipped, too few fractions: {curve}" for curve in self.skipped]
        return [
            *notes,
            f"error = floor + B / rows^beta, Huber loss, L-BFGS-B from at most {STARTS} starts, 90 "
            f"% intervals of the expected accuracy from {self.samples} bootstrap samples of the "
            "residuals. Fractions of one seed share rows, which the intervals do not know",
            "limit: half the span of rows that was tried, on a logarithmic axis, beyond the "
            "largest; at most four times the largest",
            "accuracy is on this test split, with this teacher and recipe; more rows mean rows "
            "like these",
        ]


def estimate_words(estimate: Estimate) -> str:
    """An accuracy with its interval."""
    ends = f"{percent(estimate.low)} to {percent(estimate.high)}"
    return f"{percent(estimate.value)} ({ends})"


def target_rows(target: Target) -> str:
    """The rows that reach the target, or why there are none."""
    if target.rows is None:
        return "above the ceiling" if target.status == "above_ceiling" else BEYOND
    beyond = "more than " if target.beyond_limit else ""
    rows = target.rows
    return f"{rows.value:,.0f} ({rows.low:,.0f} to {beyond}{rows.high:,.0f})"


def full_words(full: AllRows) -> str:
    """The accuracy with all rows, or why there is none."""
    if full.accuracy is None:
        return BEYOND
    if full.status == "measured":
        return f"{percent(full.accuracy.value)} (measured)"
    return estimate_words(full.accuracy)


def _target_words(curve: CurveForecast, accuracy: float) -> str:
    """How many rows take a curve to the target, in a sentence."""
    goal = percent(accuracy)
    target = curve.target
    if target.status == "reached" and target.rows:
        return f"{goal} is reached at about {target.rows.value:,.0f} rows, which were tried"
    if target.status == "forecast":
        rows = target_rows(target)
        return f"{goal} takes about {rows} rows, {target.times:.1f} times what was tried"
    if target.status == "above_ceiling":
        ceiling = estimate_words(curve.ceiling)
        return (
            f"{goal} lies above the fitted ceiling of {ceiling}: more of the same data does not "
            "reach it"
        )
    there = estimate_words(target.accuracy_at_limit)
    return (
        f"{goal} lies beyond the {curve.limit_rows:,} rows up to which these runs can be "
        f"extrapolated; at that limit the accuracy is {there}"
    )
