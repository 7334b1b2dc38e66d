"""Rows of token ids: cut at a limit, in batches of similar length. No model library is needed."""

from collections.abc import Callable, Iterator, Sequence

SEPARATOR = "</s>"
"""What joins two sentences in a task's inputs: T5's end token."""
_SHORT_INPUT = 64
"""Tokens. Batches of shorter inputs hold more rows."""


def joined_by(texts: Sequence[str], separator: str | None) -> Sequence[str]:
    """The texts with this separator in the place of T5's. None: as they are."""
    if separator in (SEPARATOR, None):
        return texts
    return [text.replace(SEPARATOR, separator) for text in texts]


def cut(ids: list[int], limit: int, end: int) -> list[int]:
    """At most `limit` ids, the last of them still the end token."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], end]


def shortened(text: str, limit: int | None, count: Callable[[str], int]) -> str:
    """The first whole words of a text, at most `limit` of the tokens that `count` counts."""
    if limit is None:
        return text
    words = text.split()
    kept = words
    while len(kept) > 1 and (tokens := count(" ".join(kept))) > limit:
        # A word rarely has more than 8 tokens, so this never drops too many words.
        kept = kept[: -max(1, (tokens - limit) // 8)]
    return text if len(kept) == len(words) else " ".join(kept)


def batches(
    rows: Sequence[list[int]], numbers: Sequence[int], size: int
) -> Iterator[Sequence[int]]:
    """Row numbers in batches, longest rows first.

    There is little padding, and running out of memory shows at once. A batch has `size` rows, or as
    many short ones as have the tokens of `size` rows of _SHORT_INPUT tokens.
    """
    order = sorted(numbers, key=lambda number: -len(rows[number]))
    at = 0
    while at < len(order):
        count = max(size, size * _SHORT_INPUT // len(rows[order[at]]))
        yield order[at : at + count]
        at += count
