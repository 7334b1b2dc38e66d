"""Counts of labels by what they mean, taken as rows pass."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from dsbs.tasks.labels import LabelKind, counted_as

_MOST_LABELS = 10_000
_KEPT_LABELS = 1_000
"""Beyond the first number of different labels, all but so many of the commonest are forgotten.

Memory stays small that way, and a label that most rows have is still counted.
"""


class Commonest(NamedTuple):
    """The label that most rows have."""

    key: str
    """What it is counted under."""
    label: str
    """As people write it."""
    rows: int


@dataclass
class LabelCounts:
    """How many rows have each label: by its meaning, for `choice` by the letter of the option."""

    kind: LabelKind
    total: int = 0
    """Rows with a label."""
    counts: Counter[str] = field(default_factory=Counter)
    written: dict[str, str] = field(default_factory=dict)
    """The first writing of each label."""

    @classmethod
    def of(
        cls, kind: LabelKind, labels: Iterable[str | None], allowed: Iterable[Sequence[str]]
    ) -> Self:
        """The counts of these labels, each with what its row allows."""
        found = cls(kind)
        for label, labels_of_row in zip(labels, allowed, strict=True):
            found.add(label, labels_of_row)
        return found

    def add(self, label: str | None, allowed: Sequence[str] = ()) -> None:
        """Count the label of one row. None, or an option that the row lacks, is not counted."""
        key = None if label is None else counted_as(self.kind, label, allowed)
        if key is None:
            return
        self.total += 1
        self.counts[key] += 1
        self.written.setdefault(key, f"option {key}" if self.kind == "choice" else str(label))
        self._forget_rare()

    def merge(self, other: "LabelCounts") -> None:
        """Count all that the other has counted, too."""
        self.total += other.total
        self.counts.update(other.counts)
        self.written = other.written | self.written
        self._forget_rare()

    def commonest(self) -> Commonest | None:
        """The label that most rows have, of several the first one; None without any label."""
        for key, count in self.counts.most_common(1):
            return Commonest(key, self.written.get(key, key), count)
        return None

    def share(self, key: str) -> float:
        """The share of rows with this label."""
        return self.counts[key] / self.total if self.total else 0.0

    def _forget_rare(self) -> None:
        if len(self.counts) > _MOST_LABELS:
            self.counts = Counter(dict(self.counts.most_common(_KEPT_LABELS)))
            self.written = {key: self.written[key] for key in self.counts}
