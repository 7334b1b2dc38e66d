"""Signs that a teacher or a student has collapsed. This file alone decides, and words the notices.

docs/training.md states the rules. Shares are judged by their 95 % intervals, so that few rows make
no notice by chance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dsbs.core.progress import say
from dsbs.core.tables import percent, span
from dsbs.metrics.accuracy import interval
from dsbs.metrics.label_counts import LabelCounts

Sign = Literal["one_label", "empty", "unparsable", "at_chance", "small_validation"]

NEARLY_ALL = 0.9
"""Share of rows with one label from which on nearly all have it."""
APART = 0.1
"""How much smaller the share of that label must be among the labels it is compared with."""
EMPTY = 0.05
"""Share of empty answers that is still harmless."""
MOSTLY = 0.5
"""Share of outputs without a readable label above which a student counts as unreadable."""
NEAR_CHANCE = 0.1
"""How far the middle of an accuracy's interval may lie above chance, if the interval reaches it.

Otherwise every accuracy of a handful of rows would be one of chance.
"""
WIDE = 0.1
"""Half width of an accuracy's interval above which checkpoints cannot be told apart."""
_MOST_CHARS = 60
"""Of a label in a notice."""


@dataclass(frozen=True)
class Notice:
    """One sign of collapse, or that there are too few rows to see one."""

    sign: Sign
    who: str
    """Whose labels, and of which rows: "the student, test"."""
    text: str

    def __str__(self) -> str:
        return f"{self.who}: {self.text}"


def say_notices(notices: Iterable[Notice]) -> None:
    """Print every notice as a line on stderr."""
    for notice in notices:
        say(f"notice: {notice}")


def label_notices(
    who: str, given: LabelCounts, reference: LabelCounts | None = None, *, whose: str = "gold"
) -> list[Notice]:
    """Whether nearly all rows have one label while the reference's have not.

    Args:
        who: Whose labels, and of which rows.
        given: Those labels.
        reference: Labels that should be distributed alike. Without any, only a share that is above
            `NEARLY_ALL` beyond doubt counts.
        whose: Whose the labels of the reference are.
    """
    top = given.commonest()
    if top is None or given.share(top.key) < NEARLY_ALL:
        return []
    low = interval(top.rows, given.total).low
    text = f"{percent(given.share(top.key))} of {given.total:,} labels are {_cut(top.label)!r}"
    if reference is None or not reference.total:
        if low <= NEARLY_ALL:
            return []
        return [Notice("one_label", who, f"{text}; there are no others to compare them with")]
    share = reference.share(top.key)
    high = interval(reference.counts[top.key], reference.total).high
    if share > given.share(top.key) - APART or high >= low:
        return []
    return [Notice("one_label", who, f"{text}, but {percent(share)} of the {whose} labels")]


def empty_notices(who: str, empty: int, rows: int) -> list[Notice]:
    """Whether more answers are empty than a few."""
    if not rows or interval(empty, rows).low <= EMPTY:
        return []
    text = f"{empty:,} of {rows:,} answers are empty"
    return [Notice("empty", who, text)]


def unparsable_notices(who: str, unparsable: int, rows: int) -> list[Notice]:
    """Whether most outputs have no readable label."""
    if not rows or not mostly_unparsable(unparsable / rows):
        return []
    text = f"{unparsable:,} of {rows:,} outputs have no readable label"
    return [Notice("unparsable", who, text)]


def chance_notices(
    who: str, correct: int, rows: int, chance: float, *, what: str = "accuracy"
) -> list[Notice]:
    """Whether an accuracy is that of a model that has learned nothing."""
    if not rows or correct / rows >= chance + NEAR_CHANCE:
        return []  # two of two right tell nothing, but not of chance
    found = interval(correct, rows)
    if not at_chance(found, chance):
        return []
    place = "is below" if found.high < chance else "cannot be told from"
    text = (
        f"{what} {percent(correct / rows)} on {rows:,} rows (95 % interval {span(found)}) "
        f"{place} chance, {percent(chance)}"
    )
    return [Notice("at_chance", who, text)]


def validation_notices(rows: int) -> list[Notice]:
    """Whether validation has too few rows to choose a checkpoint by."""
    if not rows:
        text = "no row has a label to compare with, so the last weights are kept"
        return [Notice("small_validation", "validation", text)]
    low, high = interval(rows // 2, rows)
    half = (high - low) / 2
    if half <= WIDE:
        return []
    text = (
        f"{rows:,} rows are too few to choose a checkpoint by: "
        f"an accuracy near 50 % is known to ± {100 * half:.0f} points"
    )
    return [Notice("small_validation", "validation", text)]


def at_chance(ci95_examples: Sequence[float], chance: float) -> bool:
    """Whether an accuracy with this interval is one of chance."""
    low, high = ci95_examples
    return low <= chance and (low + high) / 2 < chance + NEAR_CHANCE


def mostly_unparsable(share: float) -> bool:
    """Whether so many outputs without a readable label are most of them."""
    return share > MOSTLY


def _cut(label: str) -> str:
    return label if len(label) <= _MOST_CHARS else f"{label[:_MOST_CHARS]}…"
