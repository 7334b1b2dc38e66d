"""The texts of an encoder as token ids."""

import sys
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig

from dsbs.student.codec import Codec
from dsbs.student.encoder.options import with_option
from dsbs.student.row_batches import cut


@dataclass(frozen=True)
class EncoderCodec(Codec):
    """Inputs with the tokenizer's own start and end; an option follows its input's separator."""

    most: int = sys.maxsize
    """Tokens that the model has positions for."""
    per_option: bool = False
    """Whether an input is read with each of its options. Otherwise the model has classes."""

    @property
    def end(self) -> int:
        """The id of the token that ends an input."""
        end: int = self._special("sep_token_id", "eos_token_id")
        return end

    @property
    def separator(self) -> str:
        """What joins two sentences, and an input and an option."""
        separator: str = self._special("sep_token", "eos_token")
        return separator

    def cut_input(self, ids: list[int], limit: int) -> list[int]:
        """At most `limit` ids of an input, the last of them still the end token."""
        return cut(ids, min(limit, self.most), self.end)

    def with_option(self, text: str, option: str) -> str:
        """An input and one of its options as one text."""
        return with_option(text, option, self.separator)

    def _special(self, *names: str) -> Any:
        known = (getattr(self.tokenizer, name) for name in names)
        return next(token for token in known if token is not None)


def positions_of(architecture: PreTrainedConfig) -> int:
    """Tokens that a model has positions for. RoBERTa counts positions from its padding token on."""
    most: int | None = getattr(architecture, "max_position_embeddings", None)
    if most is None:
        return sys.maxsize
    offset = (architecture.pad_token_id or 0) + 1 if most % 64 == 2 else 0
    return most - offset
