"""One Huber problem: a law with open coefficients, fitted to losses by L-BFGS-B. Needs SciPy."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.scaling.forms import Form

Array = NDArray[Any]


@dataclass(frozen=True)
class HuberProblem:
    """Find the coefficients theta whose expected losses lie closest to the measured ones."""

    form: Form
    x: Array
    """Centered sizes and other inputs, (rows, columns)."""
    loss: Array
    """Measured losses, (rows,)."""
    logarithmic: bool
    """Compare logarithms of losses, not the losses themselves."""
    delta: float
    """The threshold above which a difference counts linearly."""

    def value(self, theta: Array) -> tuple[float, Array]:
        """The Huber loss divided by delta, and its gradient (coefficients,)."""
        predicted, slopes = self.form.log_loss(theta, self.x)
        if self.logarithmic:
            off = predicted - np.log(self.loss)
        else:
            # A wild start must give a large number, not infinity.
            predicted = np.exp(np.minimum(predicted, 50.0))
            off = predicted - self.loss
            slopes = slopes * predicted[:, None]
        size = np.abs(off)
        huber = np.where(size <= self.delta, off * off / (2 * self.delta), size - self.delta / 2)
        return float(huber.sum()), np.clip(off / self.delta, -1, 1) @ slopes

    def residuals(self, theta: Array) -> Array:
        """Measured minus expected, (rows,)."""
        predicted = self.form.log_loss(theta, self.x)[0]
        return np.log(self.loss) - predicted if self.logarithmic else self.loss - np.exp(predicted)

    def solve(self, start: Array, steps: int = 1000) -> tuple[float, Array]:
        """The Huber loss and the coefficients at the end of at most `steps` steps from `start`."""
        from scipy.optimize import minimize

        options = {"maxiter": steps, "maxcor": 20, "ftol": 1e-11, "gtol": 1e-8}
        found = minimize(
            self.value, start, jac=True, method="L-BFGS-B", bounds=self.form.bounds, options=options
        )
        return float(found.fun), np.asarray(found.x)

    def resampler(
        self, theta: Array, rng: np.random.Generator, level: float
    ) -> Callable[[], "HuberProblem"]:
        """A function that draws a problem with the fit's losses and resampled residuals.

        A fit makes its residuals smaller, by the leverage of each row; that is undone. A few
        residuals also understate how far off chance can be; the ratio of Student's t and the normal
        quantile at `level` makes up for it.
        """
        from scipy.special import stdtrit  # the quantile of Student's t; scipy.stats loads slowly

        predicted, slopes = self.form.log_loss(theta, self.x)
        slopes = slopes if self.logarithmic else slopes * np.exp(predicted)[:, None]
        leverage = np.einsum("ij,jk,ik->i", slopes, np.linalg.pinv(slopes.T @ slopes), slopes)
        off = self.residuals(theta) / np.sqrt(np.clip(1 - leverage, 0.05, 1))
        tail = (1 + level) / 2
        widened = stdtrit(len(off) - len(theta), tail) / stdtrit(np.inf, tail)
        off = (off - off.mean()) * widened

        def draw() -> HuberProblem:
            drawn = rng.choice(off, len(off))
            if self.logarithmic:
                return replace(self, loss=np.exp(predicted + drawn))
            return replace(self, loss=np.exp(predicted) + drawn)

        return draw
