"""A model in CTranslate2 (https://opennmt.net/CTranslate2), which takes tokens as text."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from dsbs.core.errors import InputError
from dsbs.core.require import require

MODEL = "model.bin"
_VOCABULARIES = {"Translator": "shared_vocabulary.json", "Generator": "vocabulary.json"}
_COMPUTE = {"fp32": "float32", "int8": "int8"}
"""How weights of a precision compute on a CPU."""


class CTranslate2Model:
    """A model that is ready to run, and the texts of its tokens."""

    def __init__(
        self, kind: Literal["Translator", "Generator"], folder: Path, precision: str, threads: int
    ) -> None:
        ctranslate2 = require("ctranslate2", "serve", needed_by="a CTranslate2 export")
        try:
            words = json.loads((folder / _VOCABULARIES[kind]).read_text(encoding="utf-8"))
            self.computes: Any = getattr(ctranslate2, kind)(
                str(folder),
                device="cpu",
                compute_type=_COMPUTE[precision],
                intra_threads=threads,
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            fix = "export the student again on this machine"
            raise InputError(folder, got=error, expected="an export that loads", fix=fix) from None
        self.words: list[str] = words
        self.runtime = f"CTranslate2 {ctranslate2.__version__}, {self.computes.compute_type}"

    def text(self, ids: Sequence[int]) -> list[str]:
        """The texts of tokens."""
        return [self.words[number] for number in ids]
