"""`plan fit`: the coefficients of a law from a user's own runs, beside the published ones."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dsbs.core.tables import percent
from dsbs.planning import fitted_range
from dsbs.planning.plan import Part, Plan
from dsbs.planning.run_table import TrainingRuns
from dsbs.scaling import coefficients, laws
from dsbs.scaling.fitting import SAMPLES, STARTS, Fit, fit
from dsbs.scaling.forms import DISTILLATION, SUPERVISED

Array = NDArray[Any]
LawName = Literal["supervised", "distillation"]

_TRADE = (
    "coefficients trade against each other: trust predictions inside the sizes tried more than any "
    "single coefficient"
)


class Bootstrap(NamedTuple):
    """How a law is fitted."""

    delta: float | None = None
    """Threshold of the Huber loss. Default: 1.345 standard deviations of the noise."""
    samples: int = SAMPLES
    seed: int = 0


class Coefficient(Part):
    """A fitted coefficient with its 90 % interval, beside the published one with its own."""

    name: str
    low: float
    value: float
    high: float
    published: float
    published_range: tuple[float, float]
    at_bound: bool = False
    """Whether the fit is stopped by a bound of this coefficient. The interval is then all that the
    coefficient may be, because the runs do not determine it."""


class Losses(Part):
    """Measured losses, and those that each set of coefficients expects."""

    measured: list[float]
    fitted: list[float]
    published: list[float]


class FitPlan(Plan):
    """A law fitted to runs."""

    law: LawName
    rows: int
    coefficients: list[Coefficient]
    fitted_error: float
    """Mean relative error on the runs."""
    published_error: float
    """The same with the published coefficients."""
    noise: float
    """Standard deviation of the residuals, as differences of logarithms."""
    supervised_from: str | None
    """Where the law of students without a teacher is from; None for the supervised law."""
    points: Losses
    delta: float | None
    """The threshold that was given."""
    samples: int

    def _sentence(self) -> str:
        return (
            f"The {self.law} law fitted to these {self.rows} runs is off by "
            f"{percent(self.fitted_error)} on average; with the published coefficients it is off "
            f"by {percent(self.published_error)}.{self._bound_words()}"
        )

    def _bound_words(self) -> str:
        """Which coefficients the runs do not determine."""
        names = [f"{one.name} = {one.value:.4g}" for one in self.coefficients if one.at_bound]
        if not names:
            return ""
        stands = "stands at its bound" if len(names) == 1 else "stand at their bounds"
        return (
            f" {', '.join(names)} {stands}: these runs do not determine this, so its interval is "
            "all that the fit allows, and the intervals of the others hold for this value only."
        )

    def _rests_on(self) -> list[str]:
        delta = f"{self.delta:g}" if self.delta else "1.345 standard deviations of the noise"
        alone = f"students without a teacher: {self.supervised_from}"
        return [
            *([alone] if self.supervised_from else []),
            f"Huber loss of differences of log losses (threshold {delta}), L-BFGS-B from at most "
            f"{STARTS} starts, 90 % intervals from {self.samples} bootstrap samples of residuals",
            _TRADE,
            fitted_range.SCALING_LAW,
        ]


class _Fitted(NamedTuple):
    """A law with its open coefficients, the runs it was fitted to, and what was published."""

    fit: Fit
    runs: TrainingRuns
    inputs: Array
    ends: Sequence[Any]
    """The published law, and both ends of its intervals."""
    published: Array
    """The losses that it expects, (rows,)."""
    supervised_from: str | None


def refit_law(runs: TrainingRuns, *, law: LawName | None = None, bootstrap: Bootstrap) -> FitPlan:
    """The coefficients of a law with 90 % intervals, and the error of old and new ones on the runs.

    The distillation law needs what students reach without a teacher. That is fitted to the runs
    without a teacher if there are enough of them, else it is the published supervised law.

    Args:
        runs: What was measured.
        law: Default: the distillation law if any run has a teacher.
        bootstrap: How to fit.

    Raises:
        InputError: for fewer runs than coefficients plus two.
    """
    without = np.isnan(runs.teacher_loss)
    distilled = runs.kept(~without)
    alone = runs.kept(without)
    name: LawName = law or ("distillation" if len(distilled.n) else "supervised")
    if name == "distillation":
        found = _distillation(distilled, alone, bootstrap)
    else:
        found = _supervised(alone, bootstrap)
    value = found.fit.value(found.inputs)
    measured = found.runs.loss
    return FitPlan(
        law=name,
        rows=len(measured),
        coefficients=_coefficients(found),
        fitted_error=_error(value, measured),
        published_error=_error(found.published, measured),
        noise=found.fit.noise,
        supervised_from=found.supervised_from,
        points=Losses(
            measured=measured.tolist(), fitted=value.tolist(), published=found.published.tolist()
        ),
        delta=bootstrap.delta,
        samples=bootstrap.samples,
    )


def law_of(fitted: Fit) -> coefficients.SupervisedLaw:
    """A fitted supervised law as one that `dsbs.scaling.laws` takes."""
    theta = zip(fitted.form.names, fitted.uncentered(fitted.theta), strict=True)
    return coefficients.SupervisedLaw(
        **{_name(key): _plain(key, float(value)) for key, value in theta}
    )


def _supervised(runs: TrainingRuns, bootstrap: Bootstrap) -> _Fitted:
    fitted = fit(SUPERVISED, runs.logs, runs.loss, **bootstrap._asdict())
    ends = (coefficients.SUPERVISED, *coefficients.SUPERVISED_90)
    return _Fitted(
        fitted, runs, runs.logs, ends, laws.supervised_loss(runs.n, runs.d), supervised_from=None
    )


def _distillation(runs: TrainingRuns, alone: TrainingRuns, bootstrap: Bootstrap) -> _Fitted:
    """`alone` are runs without a teacher."""
    supervised = coefficients.SUPERVISED
    source = "the published law"
    if len(alone.n) >= len(SUPERVISED.names) + 2:
        supervised = law_of(_supervised(alone, bootstrap._replace(samples=0)).fit)
        source = f"fitted to the {len(alone.n)} runs without a teacher"
    expected_alone = laws.supervised_loss(runs.n, runs.d, law=supervised)
    inputs = np.column_stack([runs.logs, np.log(runs.teacher_loss), np.log(expected_alone)])
    fitted = fit(DISTILLATION, inputs, runs.loss, **bootstrap._asdict())
    ends = (coefficients.DISTILLATION, *coefficients.DISTILLATION_90)
    published = laws.student_loss(runs.n, runs.d, teacher_loss=runs.teacher_loss)
    return _Fitted(fitted, runs, inputs, ends, published, supervised_from=source)


def _coefficients(found: _Fitted) -> list[Coefficient]:
    """Each coefficient with its interval, beside the published one."""
    rows = []
    stopped = found.fit.at_bounds()
    for key, sampled in found.fit.coefficients().items():
        interval = stopped.get(key, sampled)
        published, low, high = (getattr(law, _name(key)) for law in found.ends)
        rows.append(
            Coefficient(
                name=_name(key),
                low=_plain(key, interval.low),
                value=_plain(key, interval.value),
                high=_plain(key, interval.high),
                published=published,
                published_range=(low, high),
                at_bound=key in stopped,
            )
        )
    return rows


def _name(key: str) -> str:
    return key.removeprefix("log ")


def _plain(key: str, value: float) -> float:
    """A coefficient of the law itself, where the fit has its logarithm."""
    return float(np.exp(value)) if key.startswith("log ") else value


def _error(expected: Array, measured: Array) -> float:
    return float(np.mean(np.abs(expected / measured - 1)))
