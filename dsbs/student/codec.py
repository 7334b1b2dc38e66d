"""How a student's texts become token ids."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dsbs.student.row_batches import cut, joined_by
from dsbs.student.token_cache import token_ids


@dataclass(frozen=True)
class Codec:
    """The token ids of inputs and targets, as an encoder-decoder reads and writes them.

    Inputs and targets are texts of their own, and both end with the end token.
    """

    tokenizer: PreTrainedTokenizerBase

    @property
    def end(self) -> int:
        """The id of the end token."""
        end: int = self.tokenizer.eos_token_id
        return end

    def inputs(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every input. Its `</s>` is the tokenizer's own end token."""
        return token_ids(self.tokenizer, self.with_separator(texts))

    def with_separator(self, texts: Sequence[str]) -> Sequence[str]:
        """The texts with the tokenizer's end token in the place of T5's, which joins sentences."""
        return joined_by(texts, self.separator)

    @property
    def separator(self) -> str | None:
        """What joins two sentences."""
        own: str | None = self.tokenizer.eos_token
        return own

    def cut_input(self, ids: list[int], limit: int) -> list[int]:
        """At most `limit` ids of an input, the last of them still the end token."""
        return cut(ids, limit, self.end)

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every target, the end token included."""
        return token_ids(self.tokenizer, texts, targets=True)

    def prompt(self, prefix: str) -> tuple[int, ...]:
        """A task's prefix as the decoder reads it, without an end token."""
        return tuple(self.begin(prefix.strip()))

    def begin(self, text: str) -> list[int]:
        """The ids of the first part of a target, without an end token."""
        ids: list[int] = self.tokenizer(text_target=text, add_special_tokens=False).input_ids
        return ids

    def labels(self, labels: Sequence[str], *, after: str = "") -> list[list[int]]:
        """Each label as ids with what follows it: the text `after`, or else the end token."""
        if not labels:
            return []
        return self.unended([f"{label} {after}".strip() for label in labels], ended=not after)

    def unended(self, texts: Sequence[str], *, ended: bool = False) -> list[list[int]]:
        """The ids of every target, with the end token only if `ended`. They are never kept."""
        rows: list[list[int]] = self.tokenizer(text_target=list(texts)).input_ids
        return rows if ended else [ids[:-1] if ids[-1:] == [self.end] else ids for ids in rows]
