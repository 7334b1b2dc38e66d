"""An encoder-decoder in CTranslate2 (https://opennmt.net/CTranslate2)."""

import json
from collections.abc import Sequence
from pathlib import Path

from dsbs.artifacts.student_card import ExportFacts
from dsbs.core.errors import InputError
from dsbs.core.require import require

MODEL = "model.bin"
_VOCABULARY = "shared_vocabulary.json"
_COMPUTE = {"fp32": "float32", "int8": "int8"}
"""How weights of a precision compute on a CPU."""


class CTranslate2Engine:
    """See `Engine`. The library takes tokens as text, so ids go through its vocabulary."""

    def __init__(self, folder: Path, facts: ExportFacts, precision: str, threads: int) -> None:
        ctranslate2 = require("ctranslate2", "serve", needed_by="a CTranslate2 export")
        try:
            words = json.loads((folder / _VOCABULARY).read_text(encoding="utf-8"))
            self._model = ctranslate2.Translator(
                str(folder),
                device="cpu",
                compute_type=_COMPUTE[precision],
                intra_threads=threads,
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            fix = "export the student again on this machine"
            raise InputError(folder, got=error, expected="an export that loads", fix=fix) from None
        self._words: list[str] = words
        self._ids = {word: number for number, word in enumerate(words)}
        self._ends = frozenset(facts.end_ids)
        version = ctranslate2.__version__
        self.runtime = f"CTranslate2 {version}, {self._model.compute_type}"

    def continuations(
        self, inputs: Sequence[list[int]], prompt: Sequence[int], max_new_tokens: int
    ) -> list[list[int]]:
        """See `Engine.continuations`."""
        before = self._text(prompt)
        found = self._model.translate_batch(
            [self._text(ids) for ids in inputs],
            target_prefix=[before] * len(inputs) if before else None,
            beam_size=1,
            max_input_length=0,
            max_decoding_length=max_new_tokens + len(before),
            min_decoding_length=0,
            no_repeat_ngram_size=0,
        )
        given = len(before)
        return [self._numbers(result.hypotheses[0][given:]) for result in found]

    def likelihoods(
        self,
        inputs: Sequence[list[int]],
        owner: Sequence[int],
        prompt: Sequence[int],
        targets: Sequence[list[int]],
    ) -> list[list[float]]:
        """See `Engine.likelihoods`. The library adds an end token to every target."""
        before = self._text(prompt)
        texts = [self._text(ids) for ids in inputs]
        found = self._model.score_batch(
            [texts[at] for at in owner],
            [[*before, *self._text(self._without_end(ids))] for ids in targets],
            max_input_length=0,
        )
        given = len(before)
        pairs = zip(found, targets, strict=True)
        return [list(one.log_probs[given : given + len(ids)]) for one, ids in pairs]

    def _without_end(self, ids: list[int]) -> list[int]:
        return ids[:-1] if ids and ids[-1] in self._ends else ids

    def _text(self, ids: Sequence[int]) -> list[str]:
        return [self._words[number] for number in ids]

    def _numbers(self, words: Sequence[str]) -> list[int]:
        return [self._ids[word] for word in words]
