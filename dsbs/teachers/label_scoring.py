"""How likely given continuations are: read in one step where their first tokens differ."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

MAX_FIRST_TOKENS = 128
"""The most that vLLM's `logprob_token_ids` takes."""


class Scored(NamedTuple):
    """Token ids of several texts with one beginning."""

    shared: list[int]
    """The beginning."""
    rests: list[list[int]]
    """The rest of each text."""
    label_first: bool = True
    """Whether the texts differ first in their labels: see `label_comes_first`."""

    @property
    def in_one_step(self) -> bool:
        """Whether the next token alone tells the labels apart."""
        firsts = {rest[0] for rest in self.rests if rest}
        return self.label_first and len(firsts) == len(self.rests) <= MAX_FIRST_TOKENS


def split_shared(encoded: Sequence[list[int]]) -> Scored:
    """Cut token ids where the first of the texts differs.

    At least one token stays shared, as a context to start from.
    """
    shortest = min(map(len, encoded))
    shared = next((at for at in range(shortest) if len({ids[at] for ids in encoded}) > 1), shortest)
    shared = max(1, min(shared, shortest - 1))
    return Scored(list(encoded[0][:shared]), [ids[shared:] for ids in encoded])


def encode_continuations(
    encode: Callable[[str], list[int]], text: str, labels: Sequence[tuple[str, str]]
) -> Scored:
    """The token ids of `text` followed by the continuation of each label, cut where they differ."""
    scored = split_shared([encode(text + continuation) for _, continuation in labels])
    return scored._replace(label_first=label_comes_first(labels))


def label_comes_first(labels: Sequence[tuple[str, str]]) -> bool:
    """Whether the continuations of labels differ first in the labels themselves.

    In " So the answer is (b) bank." they differ first in the letter. A teacher that is unsure of
    letters and sure of the text behind them is then unsure in its first token, so all tokens count.
    """
    shared = len(shared_beginning([continuation for _, continuation in labels]))
    return all(continuation.rfind(label) <= shared for label, continuation in labels)


def shared_beginning(texts: Sequence[str]) -> str:
    """What all of the texts begin with."""
    places = enumerate(zip(*texts, strict=False))
    end = next((at for at, found in places if len(set(found)) > 1), min(map(len, texts)))
    return texts[0][:end]


def by_label(labels: Sequence[tuple[str, str]], logprobs: Iterable[float]) -> dict[str, float]:
    """Log-probability of each label. Where two options have the same label, they are added up."""
    found: dict[str, float] = {}
    for (label, _), logprob in zip(labels, logprobs, strict=True):
        before = found.get(label)
        found[label] = logprob if before is None else _log_sum(before, logprob)
    return found


def _log_sum(first: float, second: float) -> float:
    """The logarithm of the sum of two numbers that are given by their logarithms."""
    return max(first, second) + math.log1p(math.exp(-abs(first - second)))


def token_logprob(position: Mapping[int, object] | None, token: int) -> float:
    """The log-probability of a token in a `{token id: Logprob}` mapping of vLLM."""
    found = (position or {})[token]
    return float(getattr(found, "logprob", found))  # type: ignore[arg-type]
