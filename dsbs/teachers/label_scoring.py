"""How the likelihood of given continuations is asked for: in one step where their first tokens differ, else token by token."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

MAX_FIRST_TOKENS = 128
"""What vLLM's `logprob_token_ids` takes at most."""


class Scored(NamedTuple):
    """Token ids that all texts share, and what each text has behind them."""

    shared: list[int]
    rests: list[list[int]]

    @property
    def in_one_step(self) -> bool:
        """Whether the next token alone tells the texts apart."""
        firsts = {rest[0] for rest in self.rests if rest}
        return len(firsts) == len(self.rests) <= MAX_FIRST_TOKENS


def split_shared(encoded: Sequence[list[int]]) -> Scored:
    """Cut the texts where the first of them differs; at least one token stays shared, as a context to start from."""
    shortest = min(map(len, encoded))
    shared = next((at for at in range(shortest) if len({ids[at] for ids in encoded}) > 1), shortest)
    shared = max(1, min(shared, shortest - 1))
    return Scored(list(encoded[0][:shared]), [ids[shared:] for ids in encoded])


def encode_continuations(
    encode: Callable[[str], list[int]], text: str, labels: Sequence[tuple[str, str]]
) -> Scored:
    """The token ids of `text` with each label's continuation behind it, cut where they part."""
    return split_shared([encode(text + continuation) for _, continuation in labels])


def by_label(labels: Sequence[tuple[str, str]], logprobs: Iterable[float]) -> dict[str, float]:
    """Log-probability of each label: of one that two options share, the sum of their probabilities."""
    found: dict[str, float] = {}
    for (label, _), logprob in zip(labels, logprobs, strict=True):
        before = found.get(label)
        found[label] = (
            logprob
            if before is None
            else max(before, logprob) + math.log1p(math.exp(-abs(before - logprob)))
        )
    return found


def token_logprob(position: Mapping[int, object] | None, token: int) -> float:
    """The log-probability of a token in one of vLLM's `{token id: Logprob}` mappings."""
    found = (position or {})[token]
    return float(getattr(found, "logprob", found))  # type: ignore[arg-type]
