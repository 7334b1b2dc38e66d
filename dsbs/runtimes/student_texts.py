"""The token ids that an exported student reads and writes, as its family has them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dsbs.artifacts.student_card import ExportFacts
from dsbs.runtimes.text_tokens import TextTokens
from dsbs.student.decoder_only.texts import continued, marker, open_input
from dsbs.student.row_batches import cut, joined_by


class StudentTexts(Protocol):
    """What `student.codec` gives in training, without transformers."""

    @property
    def tokens(self) -> TextTokens:
        """The tokenizer."""
        ...

    @property
    def end(self) -> int:
        """The id of the end token."""
        ...

    def inputs(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """At most `limit` ids of every input."""
        ...

    def prompt(self, prefix: str) -> list[int]:
        """The ids of what stands between an input and a target."""
        ...

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of every target, the end token included."""
        ...

    def begin(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of the first part of every target, without an end token."""
        ...


@dataclass(frozen=True)
class SeparateTexts:
    """Those of an encoder-decoder: see `student.codec.Codec`."""

    tokens: TextTokens
    end: int

    def inputs(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """See `StudentTexts.inputs`."""
        return [cut(ids, limit, self.end) for ids in self.tokens.encode(texts)]

    def prompt(self, prefix: str) -> list[int]:
        """See `StudentTexts.prompt`."""
        (ids,) = self.begin([prefix.strip()])
        return ids

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """See `StudentTexts.targets`."""
        return self.tokens.encode(texts)

    def begin(self, texts: Sequence[str]) -> list[list[int]]:
        """See `StudentTexts.begin`."""
        return self.tokens.encode_bare(texts)


@dataclass(frozen=True)
class ContinuedTexts:
    """Those of a decoder-only student: see `student.decoder_only.codec.ContinuedCodec`."""

    tokens: TextTokens
    end: int
    separator: str | None

    def inputs(self, texts: Sequence[str], limit: int) -> list[list[int]]:
        """See `StudentTexts.inputs`."""
        rows = self.tokens.encode(joined_by(texts, self.separator))
        return [open_input(ids, self.end)[:limit] for ids in rows]

    def prompt(self, prefix: str) -> list[int]:
        """See `StudentTexts.prompt`."""
        (ids,) = self.tokens.encode_bare([marker(prefix)])
        return ids

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """See `StudentTexts.targets`."""
        return [[*ids, self.end] for ids in self.begin(texts)]

    def begin(self, texts: Sequence[str]) -> list[list[int]]:
        """See `StudentTexts.begin`."""
        return self.tokens.encode_bare([continued(text) for text in texts])


def texts_of(tokens: TextTokens, facts: ExportFacts) -> StudentTexts:
    """The texts of a student that writes them, from what its export knows."""
    end = facts.end_ids[0]
    if facts.family == "decoder-only":
        return ContinuedTexts(tokens, end, facts.separator)
    return SeparateTexts(tokens, end)
