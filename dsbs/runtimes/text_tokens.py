"""The tokenizer of an export, without transformers."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from dsbs.core.errors import InputError
from dsbs.core.require import require

FAST = "tokenizer.json"
_SLOW = "tokenizer_config.json"
_BYTES = 256
_CLEAN_UP = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
"""What `clean_up_tokenization_spaces` of transformers replaces."""


class TextTokens(Protocol):
    """Texts as token ids, and token ids as text."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of every text, the end token included."""
        ...

    def encode_bare(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of every text, without special tokens."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without special tokens."""
        ...


def load_tokens(folder: Path, *, clean_up: bool = False) -> TextTokens:
    """The tokenizer of an export. InputError where the folder has none that is known here."""
    if (folder / FAST).is_file():
        return FastTokens(folder / FAST, clean_up=clean_up)
    try:
        config = json.loads((folder / _SLOW).read_text(encoding="utf-8"))
        kind = config.get("tokenizer_class")
    except (OSError, ValueError, AttributeError) as error:
        kind = str(error)
    if kind == "ByT5Tokenizer":
        return ByteTokens(_special_tokens(config))
    raise InputError(folder, got=kind, expected=FAST, fix="export the student again")


def _special_tokens(config: dict[str, object]) -> dict[str, int]:
    added = config.get("added_tokens_decoder")
    if not isinstance(added, dict):
        return {}
    return {token["content"]: int(number) for number, token in added.items()}


class FastTokens:
    """A tokenizer of the library `tokenizers`."""

    def __init__(self, path: Path, *, clean_up: bool = False) -> None:
        tokenizers = require("tokenizers", "serve", needed_by="an export")
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises Exception itself
            fix = "export the student again"
            raise InputError(path, got=error, expected="a tokenizer", fix=fix) from None
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._clean_up = clean_up

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TextTokens.encode`."""
        return [found.ids for found in self._tokenizer.encode_batch(list(texts))]

    def encode_bare(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TextTokens.encode_bare`."""
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [one.ids for one in found]

    def decode(self, ids: Sequence[int]) -> str:
        """See `TextTokens.decode`."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        if self._clean_up:
            for before, after in _CLEAN_UP:
                text = text.replace(before, after)
        return text


class ByteTokens:
    """The tokenizer of ByT5: one token for each byte of UTF-8, behind pad, end and unknown.

    Xue et al. 2022, "ByT5: Towards a token-free future with pre-trained byte-to-byte models".
    """

    end = 1
    _offset = 3

    def __init__(self, special: dict[str, int]) -> None:
        self._special = special or {"<pad>": 0, "</s>": 1, "<unk>": 2}
        longest = sorted(self._special, key=len, reverse=True)
        # As transformers reads them: these three take the spaces around them.
        stripped = "|".join(map(re.escape, longest[-3:]))
        others = "|".join(map(re.escape, longest))
        self._split = re.compile(rf"\s*({stripped})\s*|({others})")

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TextTokens.encode`."""
        bare = self.encode_bare(texts)
        return [ids if ids[-1:] == [self.end] else [*ids, self.end] for ids in bare]

    def encode_bare(self, texts: Sequence[str]) -> list[list[int]]:
        """See `TextTokens.encode_bare`."""
        return [self._ids(text) for text in texts]

    def decode(self, ids: Sequence[int]) -> str:
        """See `TextTokens.decode`."""
        ordinary = (number - self._offset for number in ids)
        raw = bytes(byte for byte in ordinary if 0 <= byte < _BYTES)
        return raw.decode("utf-8", errors="ignore")

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = []
        at = 0
        for found in self._split.finditer(text):
            ids += self._bytes(text[at : found.start()])
            ids.append(self._special[found[1] or found[2]])
            at = found.end()
        return ids + self._bytes(text[at:])

    def _bytes(self, text: str) -> list[int]:
        return [byte + self._offset for byte in text.encode()]
