"""A decoder-only model in CTranslate2."""

from collections.abc import Sequence
from pathlib import Path

from dsbs.artifacts.student_card import ExportFacts
from dsbs.runtimes.ctranslate2_model import CTranslate2Model

_LOGITS = 2**27
"""Logits of one pass, 0.5 GiB: the library computes those of all tokens to score a few."""


class CTranslate2Decoder:
    """See `Engine`. An input is read again for each of its targets: the library shares nothing."""

    def __init__(self, folder: Path, facts: ExportFacts, precision: str, threads: int) -> None:
        self._model = CTranslate2Model("Generator", folder, precision, threads)
        self._ends = list(facts.end_ids)
        self.runtime = self._model.runtime

    def continuations(
        self, inputs: Sequence[list[int]], prompt: Sequence[int], max_new_tokens: int
    ) -> list[list[int]]:
        """See `Engine.continuations`."""
        found = self._model.computes.generate_batch(
            [self._model.text([*ids, *prompt]) for ids in inputs],
            beam_size=1,
            sampling_topk=1,
            max_length=max_new_tokens,
            include_prompt_in_result=False,
            end_token=self._ends,
            return_end_token=True,
        )
        return [result.sequences_ids[0] for result in found]

    def likelihoods(
        self,
        inputs: Sequence[list[int]],
        owner: Sequence[int],
        prompt: Sequence[int],
        targets: Sequence[list[int]],
    ) -> list[list[float]]:
        """See `Engine.likelihoods`."""
        before = [[*inputs[at], *prompt] for at in owner]
        pairs = zip(before, targets, strict=True)
        found = self._model.computes.score_batch(
            [self._model.text([*first, *ids]) for first, ids in pairs],
            max_batch_size=max(1, _LOGITS // len(self._model.words)),
            batch_type="tokens",
            max_input_length=0,
        )
        # The first token of a row has no likelihood.
        return [
            list(one.log_probs[len(first) - 1 :]) for one, first in zip(found, before, strict=True)
        ]
