"""What the methods, axes, settings and differences of a comparison are called in sentences."""

from collections.abc import Mapping

from dsbs.artifacts.results.base import Setting
from dsbs.artifacts.results.cells import GroupKey, Variant
from dsbs.artifacts.results.claims import Claim
from dsbs.artifacts.results.compared import Levels
from dsbs.config.axes import AxisName, Level
from dsbs.core.records import LearnedBy, needs_teacher

NEEDS_TEACHER = "(needs the teacher)"
"""Marks what cannot answer a row before the teacher has."""

AXIS_WORDS: Mapping[AxisName, str] = {
    "student": "student",
    "teacher": "teacher",
    "extra": "extra data",
    "labels": "labels",
    "data_frac": "share of the data",
    "method": "method",
    "alpha": "alpha",
    "rationale_filter": "rationale filter",
    "rationale_frac": "share of rationales",
    "rationales_per_example": "rationales per row",
    "max_rationale_tokens": "rationale tokens",
}
"""Every axis in words."""


def share_of_data(fraction: float) -> str:
    """A fraction of the training rows: "12.5 % of the data", or "all data"."""
    return "all data" if fraction == 1 else f"{100 * fraction:.4g} % of the data"


def points(difference: float) -> str:
    """A difference of shares: "+1.3 points"."""
    return f"{100 * difference:+.1f} points"


def method_name(row: Variant, equal: str | None = None) -> str:
    """A method; with its own `equal` where that is not the comparison's, and marked where its
    students need the teacher in use.
    """
    name = marked(row.method)
    return name if equal in (None, row.equal) else f"{name} with equal {row.equal}"


def marked(method: LearnedBy) -> str:
    """A method, with a mark where its students need the teacher in use."""
    return f"{method} {NEEDS_TEACHER}" if needs_teacher(method) else method


def setting_of(row: Setting, without: AxisName | None = None) -> str:
    """Student, labels, share of the data and values of further axes, but for this axis."""
    parts = {
        "student": row.student,
        "labels": f"{row.labels} labels",
        "data_frac": share_of_data(row.data_frac),
    }
    further: list[str] = levels_of(row, without) if isinstance(row, GroupKey) else []
    return ", ".join([*(text for name, text in parts.items() if name != without), *further])


def levels_of(row: Levels, without: AxisName | None = None) -> list[str]:
    """The values of further axes: ["teacher palm", "alpha 0.3"]."""
    return [level_name(axis, v) for axis, v in row.levels.items() if axis != without]


def level_name(axis: AxisName, level: Level | None) -> str:
    """A value of an axis in words."""
    match axis:
        case "method" | "student":
            return str(level)
        case "labels":
            return f"{level} labels"
        case "data_frac":
            return share_of_data(float(level or 0))
    shown = f"{level:g}" if isinstance(level, float) else level
    return f"{AXIS_WORDS[axis]} {shown}"


def sides(claim: Claim, equal: str | None = None) -> tuple[str, str]:
    """The names of both sides of a claim."""
    if claim.axis == "method":
        return method_name(claim, equal), method_name(claim.against, equal)
    return level_name(claim.axis, claim.value), level_name(claim.axis, claim.against_value)
