"""The commonest label of the training rows, for every row."""

from collections import Counter
from collections.abc import Sequence

from dsbs.baselines.labels import Guess, LabeledRow, Labeler
from dsbs.core.records import Example
from dsbs.tasks.labels import counted_as
from dsbs.tasks.task import Task


def commonest_label(task: Task, train: Sequence[LabeledRow]) -> Labeler:
    """Gives the commonest label; where options change by row, the option in the commonest place.

    Labels of one meaning count together and are written as the first of them.
    """
    kind = task.label.kind
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for row in train:
        key = counted_as(kind, row.label, task.allowed(row.example.choices))
        if key is not None:
            counts[key] += 1
            written.setdefault(key, row.label)
    ranked = [key for key, _ in counts.most_common()]

    def label(example: Example) -> str:
        if kind == "choice":
            return _option(example.choices, ranked)
        return written[ranked[0]]

    return lambda examples: [Guess(label(example)) for example in examples]


def _option(choices: tuple[str, ...], ranked: list[str]) -> str:
    """The option in the commonest place that this row has."""
    places = {counted_as("choice", choice, choices): choice for choice in reversed(choices)}
    return next((places[key] for key in ranked if key in places), choices[0])
