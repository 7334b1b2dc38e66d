"""Labels that are scored as continuations of an input, as token ids. It needs no model library."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Encode = Callable[[list[str]], list[list[int]]]
"""Token ids of every text."""


@dataclass(frozen=True)
class Candidates:
    """Texts that may follow an input: `before` + one of `labels` + `after`."""

    input: str
    labels: tuple[str, ...]
    before: str = ""
    """Given to the decoder, not scored."""
    after: str = ""
    """Empty: the end token."""


Adjust = Callable[[str, float, int], float]
"""The score of a label, from its text, its log-likelihood and how many tokens that is a sum of."""


def total(label: str, likelihood: float, tokens: int) -> float:
    """The log-likelihood itself."""
    return likelihood


class LabelText(NamedTuple):
    """One label to score, for one row of a batch."""

    row: int
    candidates: Candidates
    label: str


class LabelIds(NamedTuple):
    """A label as the decoder produces it."""

    ids: list[int]
    given: int
    """How many of its first tokens are given and not scored."""


def label_texts(rows: Sequence[Candidates]) -> list[LabelText]:
    """Each different label of every row, row by row."""
    return [
        LabelText(at, row, label)
        for at, row in enumerate(rows)
        for label in dict.fromkeys(row.labels)
    ]


def label_ids_of(
    labels: Sequence[LabelText], *, encode: Encode, encode_bare: Encode, end: int
) -> list[LabelIds]:
    """The token ids of every label with what stands around it.

    Args:
        labels: The labels.
        encode: Token ids of targets, the end token included.
        encode_bare: The same without the end token.
        end: The end token.
    """
    texts = [
        " ".join(filter(None, [candidates.before, label, candidates.after]))
        for _, candidates, label in labels
    ]
    found = []
    for label, target in zip(labels, encode(texts), strict=True):
        ids = target[:-1] if label.candidates.after and target[-1] == end else target
        found.append(LabelIds(ids, _shared_prefix(encode_bare, label.candidates.before, ids)))
    return found


def _shared_prefix(encode_bare: Encode, before: str, target: list[int]) -> int:
    """How many of the target's first tokens belong to `before`."""
    if not before:
        return 0
    (ids,) = encode_bare([before])
    pairs = enumerate(zip(ids, target, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(ids), len(target)))
