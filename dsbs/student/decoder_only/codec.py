"""The texts of a decoder-only student as token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsbs.student.codec import Codec
from dsbs.student.decoder_only.texts import continued, marker, open_input
from dsbs.student.token_cache import continued_ids


@dataclass(frozen=True)
class ContinuedCodec(Codec):
    """Input, a newline with the task's marker, a space with the target, and the end token.

    The three parts are tokenized one by one, so that the input is the same for all tasks of a row.
    """

    def inputs(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every input: with the model's start token, if it has one, and no end token."""
        return [open_input(ids, self.end) for ids in super().inputs(texts)]

    def cut_input(self, ids: list[int], limit: int) -> list[int]:
        """The first `limit` ids of an input."""
        return ids[:limit]

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every target, a space before it and the end token behind it."""
        return [[*ids, self.end] for ids in continued_ids(self.tokenizer, texts)]

    def prompt(self, prefix: str) -> tuple[int, ...]:
        """A newline and the task's prefix."""
        ids = self.tokenizer(marker(prefix), add_special_tokens=False).input_ids
        return tuple(ids)

    def begin(self, text: str) -> list[int]:
        """The ids of the first part of a target, without an end token."""
        ids: list[int] = self.tokenizer(continued(text), add_special_tokens=False).input_ids
        return ids

    def unended(self, texts: Sequence[str], *, ended: bool = False) -> list[list[int]]:
        """The ids of every target, with the end token only if `ended`. They are never kept."""
        last = [self.end] if ended else []
        return [[*self.begin(text), *last] for text in texts]
