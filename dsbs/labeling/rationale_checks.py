"""Checks of answers: rationales that argue for another label, skewed labels, overconfidence."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from dsbs.artifacts.results.generate import SplitSummary
from dsbs.core.records import Answer, Example
from dsbs.core.tables import percent
from dsbs.metrics.calibration import Calibration, CalibrationScores
from dsbs.metrics.distributions import distance
from dsbs.tasks.equations import NotAnEquation, evaluate
from dsbs.tasks.label_keys import fold
from dsbs.tasks.labels import LabelKind, counted_as, meaning

Argues = Literal["label", "several", "other", "nothing"]
"""What a rationale names: its own label alone; its label and others; only others; none of the
allowed ones.
"""

_ARGUE = {
    False: "name their own label alone in {label}, among others in {several}, "
    "only other labels in {other}, none in {nothing}",
    True: "end in the value of their equation in {label}, name it before in {several}, "
    "other numbers in {other}",
}
_WORD = re.compile(r"\w+")


def argues_for(kind: LabelKind, rationale: str, label: str, allowed: Sequence[str] = ()) -> Argues:
    """Which of the allowed labels a rationale names; for equations, which numbers.

    An equation is argued for where the rationale ends in its value. A rationale that names nothing
    says nothing for or against its label: many explain without repeating it.

    >>> argues_for("choice", "Nails join boards, no ladder.", "nails", ("nails", "ladder"))
    'several'
    """
    if kind == "equation":
        return _numbers_argue(rationale, label)
    named = _named(rationale, allowed or (label,))
    if not named:
        return "nothing"
    if fold(label) not in named:
        return "other"
    return "label" if len(named) == 1 else "several"


def bucket(kind: LabelKind, label: str | None, allowed: Sequence[str]) -> str | None:
    """What a label is counted under when distributions are compared: itself, or the letter of its
    option.

    None for kinds whose labels few rows share, and for no label.
    """
    if label is None or kind not in ("class", "choice"):
        return None
    counted = counted_as(kind, label, allowed)
    if kind == "choice":
        return counted
    return next((known for known in allowed if meaning(kind, known) == counted), label)


def describe(splits: Mapping[str, SplitSummary]) -> list[str]:
    """One line for people per finding about labels and rationales of each split."""
    return [f"{name}: {line}" for name, split in splits.items() for line in _findings(split)]


def _findings(split: SplitSummary) -> Iterator[str]:
    matched = split.label_match
    inexact = split.rows - matched.get("exact", 0)
    if inexact and split.label_kind in ("choice", "class"):
        yield (
            f"{inexact:,} labels are not literally among the allowed ones; of these "
            f"{matched.get('folded', 0):,} were read by folding case and spaces, "
            f"{matched.get('letter', 0):,} by letter"
        )
    argues = split.rationale_argues_for
    if total := sum(argues.values()):
        shares = {what: percent(argues.get(what, 0) / total) for what in get_args(Argues)}
        yield "rationales " + _ARGUE[split.label_kind == "equation"].format(**shares)
    if split.label_distance:
        share = percent(split.label_distance)
        yield f"{share} of the labels would have to change to be distributed like gold"
    if split.vote_ties:
        rows = f"{split.vote_ties:,} of {split.rows:,} rows"
        yield f"in {rows} the votes of the samples tie, and the first sample decides"
    if split.calibration:
        error = percent(split.calibration.ece)
        yield f"label probabilities are off by {error} (expected calibration error)"


class LabelFindings(NamedTuple):
    """What `Agreement` has counted, as `SplitSummary` states it."""

    rationale_argues_for: dict[str, int]
    label_counts: dict[str, dict[str, int]] | None
    """Of rows with a label of both; of all rows where none has gold. None for kinds whose labels
    few rows share.
    """
    label_distance: float | None
    calibration: CalibrationScores | None


class Agreement:
    """Counts what rationales argue for and which labels are given, as answers pass."""

    def __init__(self, kind: LabelKind) -> None:
        self._kind = kind
        self._argues: Counter[str] = Counter()
        self._labels: dict[str, Counter[str]] = {"teacher": Counter(), "gold": Counter()}
        """On the rows that have both labels."""
        self._all: Counter[str] = Counter()
        """The teacher's on all rows."""
        self._calibration = Calibration(kind)

    def add(self, example: Example, answer: Answer, allowed: Sequence[str]) -> None:
        """Count one answer to an example whose labels are `allowed`."""
        teacher = bucket(self._kind, answer.label, allowed)
        gold = bucket(self._kind, example.gold, allowed)
        if teacher is not None:
            self._all[teacher] += 1
        # Rows without a gold label may be another mix, which is no fault of the teacher.
        if teacher is not None and gold is not None:
            self._labels["teacher"][teacher] += 1
            self._labels["gold"][gold] += 1
        if answer.distribution and example.gold is not None:
            self._calibration.add(answer.distribution, example.gold)
        if answer.rationale and answer.label is not None:
            self._argues[argues_for(self._kind, answer.rationale, answer.label, allowed)] += 1

    def results(self) -> LabelFindings:
        """What has been counted so far."""
        gold = dict(sorted(self._labels["gold"].items()))
        # Without any gold label, all rows show what the teacher gives.
        teacher = dict(sorted((self._labels["teacher"] if gold else self._all).items()))
        return LabelFindings(
            rationale_argues_for=dict(self._argues),
            label_counts={"teacher": teacher, "gold": gold} if teacher else None,
            label_distance=distance(teacher, gold) if gold else None,
            calibration=self._calibration.scores(),
        )


def _named(text: str, labels: Sequence[str]) -> set[str]:
    """The labels that stand in a text as whole words.

    The longest are looked for first, so that "river bank" does not also name "bank".
    """
    text = f" {' '.join(_WORD.findall(text.casefold()))} "
    found = set()
    for label in sorted(set(map(fold, labels)), key=len, reverse=True):
        words = f" {' '.join(_WORD.findall(label))} "
        if words.strip() and words in text:
            found.add(label)
            text = text.replace(words, " | ")
    return found


def _numbers_argue(rationale: str, label: str) -> Argues:
    numbers = [
        float(number.replace(",", ""))
        for number in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", rationale)
    ]
    try:
        value = abs(evaluate(label))  # a minus sign in a text may be a dash
    except NotAnEquation:
        return "nothing"
    if not numbers:
        return "nothing"
    if math.isclose(numbers[-1], value, rel_tol=1e-4):
        return "label"
    return (
        "several"
        if any(math.isclose(number, value, rel_tol=1e-4) for number in numbers)
        else "other"
    )
