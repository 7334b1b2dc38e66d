"""Published rules of thumb as data: where each is stated, what it is stated for, and what it says.

Busbridge et al. 2025, Table 3 (scenario `both`: the teacher's training and its passes are charged),
and the shorter forms in which its rows are passed on.
"""

from collections.abc import Callable
from typing import NamedTuple

from dsbs.planning.plan import Part

SMALL_STUDENT, LARGE_STUDENT = 3e9, 10e9
SMALL_COMPUTE, LARGE_COMPUTE = 1e21, 1e25
"""The ends of Table 3. Between them it has no row."""

_EVEN = 0.15
"""Shares that differ by no more from equal thirds, or from each other, count as even."""
_LITTLE = 0.15


class Shares(Part):
    """The shares of the compute that go to each of three things; they sum to 1."""

    student_training: float
    teacher_inference: float
    teacher_training: float


class Case(NamedTuple):
    """What the rules are asked about."""

    compute: float
    student_params: float
    """Without embeddings."""
    charges_training: bool
    """Whether the scenario charges the teacher's training."""
    shares: Shares
    """Of the best split in scenario `both`."""
    supervised_gain: float
    """By how many nats training alone beats distilling in the asked scenario."""


class PublishedRule(NamedTuple):
    """A rule, and how it is held against a case."""

    text: str
    source: str
    holds_for: str
    """The budgets and students that it is stated for."""
    applies: Callable[[Case], bool]
    agrees: Callable[[Shares], bool]
    why_not: Callable[[Case], str]
    """Why the optimum differs."""


def _mostly_teacher(shares: Shares) -> bool:
    return shares.teacher_training + shares.teacher_inference > 0.5


def _mostly_teacher_training(shares: Shares) -> bool:
    return shares.teacher_training > 0.5


def _mostly_student(shares: Shares) -> bool:
    return shares.student_training > 0.5


def _thirds(shares: Shares) -> bool:
    return all(abs(share - 1 / 3) <= _EVEN for _, share in shares)


def _student_and_passes_even(shares: Shares) -> bool:
    even = abs(shares.student_training - shares.teacher_inference) <= _EVEN
    return even and shares.teacher_training <= _LITTLE


def _small(case: Case) -> bool:
    return case.student_params <= SMALL_STUDENT


def _large(case: Case) -> bool:
    return case.student_params >= LARGE_STUDENT


def _cheap(case: Case) -> bool:
    return case.compute <= SMALL_COMPUTE


def _rich(case: Case) -> bool:
    return case.compute >= LARGE_COMPUTE


def _why_not_thirds(case: Case) -> str:
    if not _large(case):
        return (
            "Table 3 has thirds for students above about 10B only; below 3B it has the student's "
            "training and the teacher's passes about even, with little teacher training"
        )
    return "the printed coefficients put another share first; rows 3 and 4 depend on rounding"


def _why_not_student(case: Case) -> str:
    if _cheap(case):
        return (
            "row 3 of Table 3 does not follow from the printed coefficients: at 1e21 they give a "
            "10B student 42 % and its teacher's training 55 %"
        )
    return "Table 3 states it for budgets up to 1e21 only; above, the teacher's passes cost more"


def _why_not_teacher(case: Case) -> str:
    if _rich(case) or case.compute > SMALL_COMPUTE:
        return (
            "Table 3 states it for budgets up to 1e21 only; with more compute the optimum moves "
            "from the teacher's training to the student's"
        )
    return (
        "the less compute, the smaller the teacher that it pays for, and the student's own tokens "
        "come first"
    )


_TABLE = "Busbridge et al. 2025, Table 3"
_SHORT = "Table 3, shortened as it is passed on"

PUBLISHED_RULES = (
    PublishedRule(
        "small budgets go mostly to the teacher",
        _SHORT,
        "budgets up to 1e21",
        _cheap,
        _mostly_teacher,
        _why_not_teacher,
    ),
    PublishedRule(
        "equal thirds at 1e25",
        _SHORT,
        "budgets from 1e25",
        _rich,
        _thirds,
        _why_not_thirds,
    ),
    PublishedRule(
        "small students: mostly to the teacher",
        _SHORT,
        "students up to 3B",
        _small,
        _mostly_teacher,
        _why_not_teacher,
    ),
    PublishedRule(
        "large students: mostly to the student",
        _SHORT,
        "students from 10B",
        _large,
        _mostly_student,
        _why_not_student,
    ),
    PublishedRule(
        "mostly teacher training",
        f"{_TABLE}, row 1",
        "students up to 3B with budgets up to 1e21",
        lambda case: _small(case) and _cheap(case),
        _mostly_teacher_training,
        _why_not_teacher,
    ),
    PublishedRule(
        "student's training and teacher's passes about even, little teacher training",
        f"{_TABLE}, row 2",
        "students up to 3B with budgets from 1e25",
        lambda case: _small(case) and _rich(case),
        _student_and_passes_even,
        lambda case: "the printed coefficients put another share first",
    ),
    PublishedRule(
        "mostly student training",
        f"{_TABLE}, row 3",
        "students from 10B with budgets up to 1e21",
        lambda case: _large(case) and _cheap(case),
        _mostly_student,
        _why_not_student,
    ),
    PublishedRule(
        "about equal thirds",
        f"{_TABLE}, row 4",
        "students from 10B with budgets from 1e25",
        lambda case: _large(case) and _rich(case),
        _thirds,
        _why_not_thirds,
    ),
)
