"""An export of an encoder, which scores labels and writes none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.student_card import ExportFacts, StudentCard
from dsbs.runtimes.engine import Classifier
from dsbs.runtimes.text_tokens import TextTokens
from dsbs.student.candidates import Adjust, Candidates, total
from dsbs.student.encoder.options import places_of, texts_of
from dsbs.student.predictor import OnBatch
from dsbs.student.row_batches import batches, cut, joined_by


@dataclass(frozen=True)
class ExportedEncoder:
    """See `Predictor`."""

    engine: Classifier
    tokens: TextTokens
    card: StudentCard
    facts: ExportFacts

    def generate(
        self,
        inputs: Sequence[str],
        *,
        prompt: str,
        max_new_tokens: int,
        stop: str,
        batch_size: int,
        on_batch: OnBatch,
    ) -> list[str]:
        """Never called: `student.predict.check` refuses to generate with an encoder."""
        raise AssertionError("an encoder writes no text")

    def count_tokens(self, text: str) -> int:
        """See `Predictor.count_tokens`."""
        return len(self._ids([text])[0])

    def bare_tokens(self, text: str) -> int:
        """See `Predictor.bare_tokens`."""
        (ids,) = self.tokens.encode_bare([text])
        return len(ids)

    def score(
        self,
        rows: Sequence[Candidates],
        *,
        prompt: str,
        batch_size: int,
        on_batch: OnBatch,
        adjust: Adjust = total,
    ) -> list[dict[str, float]]:
        """See `Predictor.score`."""
        classes = self.facts.classes
        separator = self.facts.separator if classes is None else None
        texts = [texts_of(row, separator) for row in rows]
        ids = iter(self._ids([text for own in texts for text in own]))
        encoded = [[self._cut(next(ids)) for _ in own] for own in texts]
        whole = [[token for text in own for token in text] for own in encoded]
        scores: list[dict[str, float]] = [{} for _ in rows]
        for batch in batches(whole, range(len(whole)), batch_size):
            found = self._log_probabilities([encoded[i] for i in batch])
            for i, own in zip(batch, found, strict=True):
                places = places_of(rows[i], classes)
                scores[i] = {label: float(own[place]) for label, place in places.items()}
            on_batch(len(batch))
        return scores

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids. The `</s>` between two sentences is the tokenizer's own separator."""
        if not texts:
            return []
        return self.tokens.encode(joined_by(texts, self.facts.separator))

    def _cut(self, ids: list[int]) -> list[int]:
        limit = self.card.max_input_tokens
        if self.facts.positions is not None:
            limit = min(limit, self.facts.positions)
        return cut(ids, limit, self.facts.end_ids[0])

    def _log_probabilities(self, rows: Sequence[Sequence[list[int]]]) -> list[NDArray[np.float64]]:
        """(L,) for each row, over its classes or its options."""
        logits = self.engine.logits([text for own in rows for text in own])
        if self.facts.classes is not None:
            return [_log_softmax(own) for own in logits]
        ends = np.cumsum([len(own) for own in rows])[:-1]
        return [_log_softmax(own) for own in np.split(logits[:, 0], ends)]


def _log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shifted = logits - logits.max()
    found: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return found
