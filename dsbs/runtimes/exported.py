"""An export that predicts as its student does, without PyTorch."""

from collections.abc import Sequence
from dataclasses import dataclass

from dsbs.artifacts.student_card import StudentCard
from dsbs.runtimes.engine import Engine
from dsbs.runtimes.student_texts import StudentTexts
from dsbs.student.candidates import Adjust, Candidates, label_ids_of, label_texts, total
from dsbs.student.predictor import OnBatch
from dsbs.student.row_batches import batches


@dataclass(frozen=True)
class ExportedStudent:
    """See `Predictor`."""

    engine: Engine
    texts: StudentTexts
    card: StudentCard

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
        """See `Predictor.generate`."""
        rows = self.texts.inputs(inputs, self.card.max_input_tokens)
        before = self.texts.prompt(prompt)
        texts = [""] * len(rows)
        for batch in batches(rows, range(len(rows)), batch_size):
            found = self.engine.continuations([rows[i] for i in batch], before, max_new_tokens)
            for i, ids in zip(batch, found, strict=True):
                texts[i] = _until(self.texts.tokens.decode(ids), stop).strip()
            on_batch(len(batch))
        return texts

    def count_tokens(self, text: str) -> int:
        """See `Predictor.count_tokens`."""
        (ids,) = self.texts.tokens.encode([text])
        return len(ids)

    def bare_tokens(self, text: str) -> int:
        """See `Predictor.bare_tokens`."""
        (ids,) = self.texts.tokens.encode_bare([text])
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
        encoded = self.texts.inputs([row.input for row in rows], self.card.max_input_tokens)
        before = self.texts.prompt(prompt)
        scores: list[dict[str, float]] = [{} for _ in rows]
        for batch in batches(encoded, range(len(encoded)), batch_size):
            labels = label_texts([rows[i] for i in batch])
            targets = label_ids_of(
                labels,
                encode=self.texts.targets,
                encode_bare=self.texts.begin,
                end=self.texts.end,
            )
            likelihoods = self.engine.likelihoods(
                [encoded[i] for i in batch],
                [label.row for label in labels],
                before,
                [target.ids for target in targets],
            )
            for label, target, values in zip(labels, targets, likelihoods, strict=True):
                scored = values[target.given :]
                score = adjust(label.label, sum(scored), len(scored))
                scores[batch[label.row]][label.label] = score
            on_batch(len(batch))
        return scores


def _until(text: str, stop: str) -> str:
    """The text up to the end of the first `stop`; "" stops nothing."""
    at = text.find(stop) if stop else -1
    return text if at < 0 else text[: at + len(stop)]
