"""The verdict of a comparison: what to take, and why."""

from typing import Literal

from dsbs.artifacts.results.base import Interval, Result, Setting
from dsbs.core.records import LearnedBy

Category = Literal[
    "student",
    "baseline",
    "cannot_be_told",
    "nothing_learned",
    "more_data_needed",
    "no_student_near_teacher",
]
"""`student`: distil, by the choice. `baseline`: do not distil, the choice does it.
`cannot_be_told`: more test rows or seeds are needed. `nothing_learned`: nothing beats the commonest
label and chance. `more_data_needed`: students are below the teacher, and by the learning curve more
rows would bring them near. `no_student_near_teacher`: the same without such a curve.
"""

Rationales = Literal["help", "do_not_help", "cannot_be_told", "differs"]
"""What rationales bring over labels alone. `differs`: it depends on student or labels."""


class Prices(Result):
    """What costs are counted with. Money has no currency."""

    calls: int = 1_000_000
    """Calls over which the cost of training is spread."""
    core_hour: float = 0.05
    gpu_hour: float = 2.0


class Candidate(Setting):
    """A student or a baseline that may be chosen: its mean over seeds at the largest fraction."""

    name: str
    """The method, with what else tells candidates apart."""
    method: LearnedBy
    equal: str
    mean: float
    """Accuracy, or agreement with the teacher without gold labels."""
    learned: bool
    """Whether it was shown to beat chance and the commonest label."""
    cost_per_1000: float | None = None
    """Money for 1,000 calls, with training spread over `Prices.calls`; None where it is unknown."""
    training_cost: float | None = None
    """Money for one training."""
    latency_ms: float | None = None
    """Share of one row in the time of a batch, while it was measured."""


class Difference(Result):
    """One candidate less another, on the same seeds and test rows."""

    candidate: str
    against: str
    """Another candidate, "majority", "chance", "teacher", or "perfect": one that never errs."""
    difference: float
    interval: Interval
    """For other seeds and other test rows, at `Verdict.level`."""
    rows_needed: int | None = None
    """Test rows that would show that the candidate is as good, with the same seeds, if the
    difference stays as it is. None where no number would.
    """
    seeds_needed: int | None = None
    """The same of seeds, on the same test rows."""
    needed_together: bool = False
    """Whether so many rows with so many seeds are needed, because neither alone suffices."""


class MoreRows(Result):
    """Training rows that a learning curve asks for: the ends of its 90 % interval."""

    low: int
    high: int | None
    """None where the curve may never get there."""


class Verdict(Result):
    """What to take, by the claims alone."""

    sentence: str
    choice: str | None = None
    """The name of the chosen candidate; None where there is none."""
    reasons: list[str] = []
    category: Category
    rationales: Rationales | None = None
    """None where no student learned rationales, or none learned without."""
    margin: float = 0.02
    """How far below another counts as being as good."""
    level: float = 0.95
    """Of the intervals: 95 % corrected for the number of candidates."""
    rows_needed: int | None = None
    """Test rows that would tell, with the same seeds."""
    seeds_needed: int | None = None
    """Seeds that would tell, on the same test rows."""
    needed_together: bool = False
    """Whether so many rows with so many seeds are needed."""
    rows_of_data: MoreRows | None = None
    """Training rows that would bring the best candidate near the teacher."""
    candidates: list[Candidate] = []
    """The cheapest first."""
    differences: list[Difference] = []
    prices: Prices = Prices()
