"""What a comparison claims: differences, the data that methods need, and what test rows show."""

from typing import Literal

from dsbs.artifacts.results.base import Interval, Result
from dsbs.artifacts.results.cells import GroupKey, Variant
from dsbs.artifacts.results.compared import Levels
from dsbs.config.axes import AxisName, Level
from dsbs.core.records import LabelSource, LearnedBy


class CheckpointClaim(Result):
    """McNemar's exact test of two students that were trained with the same seed."""

    seed: int
    n: int
    """Test questions that both answered."""
    only_first: int
    """Questions that only the first student answers correctly."""
    only_second: int
    p: float
    p_holm: float = 1.0
    """p corrected by Holm's method for all checkpoint claims of the comparison."""


class Claim(GroupKey):
    """Whether one value of an axis is better than another, all else being equal.

    By default the axis is the method.
    """

    against: Variant
    axis: AxisName = "method"
    value: Level | None = None
    """Its value here; None in older results, which compare methods alone."""
    against_value: Level | None = None
    seeds: list[int]
    """Seeds that both sides have."""
    strength: Literal["refused", "weak", "full"]
    """`refused` below 3 seeds (or 3 groups of test rows), `weak` below 5. A refused claim has no
    difference, interval or p.
    """
    groups_of_rows: int | None = None
    """Groups that the test questions fall into; None where no two share one."""
    stuck: tuple[int, int]
    """Number of students on each side that did not learn."""
    checkpoints: list[CheckpointClaim] = []
    difference: float | None = None
    """Mean accuracy of the value less that of the other: 0.02 is two points."""
    ci95_seeds_and_examples: Interval | None = None
    """95 % interval of the difference for other seeds and other test questions."""
    cohens_d: float | None = None
    """The difference in standard deviations of the seeds' differences; None without any spread."""
    p: float | None = None
    p_holm: float | None = None
    """p corrected by Holm's method for `comparisons` claims."""
    comparisons: int = 0


class DataNeed(Levels):
    """The data from which on a method is as good as another method, or as the teacher."""

    student: str
    labels: LabelSource
    method: LearnedBy
    against: str
    """The other method, or "teacher"; with its name where there are several."""
    at: float | None = None
    """The fraction of the other method; None for the teacher."""
    seeds: int
    """The smallest number of seeds behind any of the differences."""
    margin: float = 0.0
    """How far below the other counts as being as good: 0.01 is one point."""
    fractions: list[float]
    learned: list[bool] = []
    """At each fraction, whether the students learned. If not, they are as good as nobody."""
    opponent_learned: bool = True
    """Whether the other learned. To be as good as chance is no achievement."""
    differences: list[float]
    """The method at each fraction less the other."""
    ci95_seeds_and_examples: list[Interval | None]
    estimate: float | None = None
    """The smallest fraction at which the difference is not below minus the margin, nor at any
    larger fraction that was tried; None if there is none.
    """
    possible: float | None = None
    """The same for the upper end of the interval."""
    certain: float | None = None
    """The same for the lower end of the interval."""


class Detectable(Result):
    """The smallest differences between two checkpoints that a test set shows with this power."""

    examples: int
    accuracy: float
    discordant: float
    """Share of questions that only one of two students answers correctly."""
    measured: bool
    """Whether `discordant` was measured; otherwise it is assumed."""
    groups_of_rows: int | None = None
    """Groups that the questions fall into; None where no two share one. The differences are those
    of independent questions all the same.
    """
    power: float = 0.8
    paired: float | None = None
    """If both answer the same questions; None if even the largest difference would be missed."""
    unpaired: float | None = None
    """If each answers questions of its own."""
