"""An encoder-decoder in CTranslate2."""

from collections.abc import Sequence
from pathlib import Path

from dsbs.artifacts.student_card import ExportFacts
from dsbs.runtimes.ctranslate2_model import CTranslate2Model


class CTranslate2Engine:
    """See `Engine`."""

    def __init__(self, folder: Path, facts: ExportFacts, precision: str, threads: int) -> None:
        self._model = CTranslate2Model("Translator", folder, precision, threads)
        self._ids = {word: number for number, word in enumerate(self._model.words)}
        self._ends = frozenset(facts.end_ids)
        self.runtime = self._model.runtime

    def continuations(
        self, inputs: Sequence[list[int]], prompt: Sequence[int], max_new_tokens: int
    ) -> list[list[int]]:
        """See `Engine.continuations`."""
        before = self._model.text(prompt)
        found = self._model.computes.translate_batch(
            [self._model.text(ids) for ids in inputs],
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
        before = self._model.text(prompt)
        texts = [self._model.text(ids) for ids in inputs]
        found = self._model.computes.score_batch(
            [texts[at] for at in owner],
            [[*before, *self._model.text(self._without_end(ids))] for ids in targets],
            max_input_length=0,
        )
        given = len(before)
        pairs = zip(found, targets, strict=True)
        return [list(one.log_probs[given : given + len(ids)]) for one, ids in pairs]

    def _without_end(self, ids: list[int]) -> list[int]:
        return ids[:-1] if ids and ids[-1] in self._ends else ids

    def _numbers(self, words: Sequence[str]) -> list[int]:
        return [self._ids[word] for word in words]
