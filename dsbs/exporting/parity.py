"""An export against its student, row by row."""

from collections.abc import Iterator, Mapping, Sequence

from dsbs.artifacts.results.export import Difference, Parity
from dsbs.artifacts.student_card import StudentCard
from dsbs.core.iteration import batched
from dsbs.core.progress import Progress
from dsbs.core.records import LABEL, RATIONALE, Example, Prediction
from dsbs.student.candidates import Candidates
from dsbs.student.predict import predict
from dsbs.student.predictor import Predictor

_ROWS_AT_ONCE = 32
"""A student in PyTorch reads no more than these in fp32 alone, whatever the machine."""


def compare(
    student: Predictor, export: Predictor, examples: Sequence[Example], *, max_flips: int
) -> Parity:
    """Compare labels, and the log-likelihoods of labels, on every example."""
    differences = []
    largest = None
    with Progress("parity", len(examples)) as progress:
        for batch in batched(examples, _ROWS_AT_ONCE):
            wanted = _read(student, batch)
            found = _read(export, batch)
            for example, before, after in zip(batch, wanted, found, strict=True):
                if before.label != after.label:
                    one = Difference(id=example.id, student=before.label, export=after.label)
                    differences.append(one)
            for gap in _gaps(student, export, batch, wanted, found):
                largest = max(largest or 0.0, gap)
            progress.add(len(batch))
    return Parity(
        rows=len(examples),
        flips=len(differences),
        max_score_difference=largest,
        max_flips=max_flips,
        differences=differences,
    )


def _read(student: Predictor, examples: Sequence[Example]) -> list[Prediction]:
    return predict(student, examples, scores=_closed(student.card))


def _closed(card: StudentCard) -> bool:
    return card.task.label.kind in ("choice", "class")


def _gaps(
    student: Predictor,
    export: Predictor,
    examples: Sequence[Example],
    wanted: Sequence[Prediction],
    found: Sequence[Prediction],
) -> Iterator[float]:
    """Differences of the log-likelihoods of the allowed labels; of the student's label where labels
    are open.
    """
    if _closed(student.card):
        for before, after in zip(wanted, found, strict=True):
            # Behind a rationale of its own, a label's likelihood is another number.
            same = before.raw == after.raw or student.card.method != "rationale_then_label"
            yield from _differences(before.scores or {}, after.scores or {}) if same else ()
    elif student.card.method != "rationale_then_label":
        rows = _own_labels(student.card, examples, wanted)
        pairs = zip(_scores(student, rows), _scores(export, rows), strict=True)
        for before_scores, after_scores in pairs:
            yield from _differences(before_scores, after_scores)


def _differences(before: Mapping[str, float], after: Mapping[str, float]) -> Iterator[float]:
    return (abs(value - after[label]) for label, value in before.items())


def _own_labels(
    card: StudentCard, examples: Sequence[Example], predictions: Sequence[Prediction]
) -> list[Candidates]:
    after = card.prefixes[RATIONALE].strip() if card.method == "label_then_rationale" else ""
    return [
        Candidates(card.encoder_text(LABEL, example.input), (prediction.label,), after=after)
        for example, prediction in zip(examples, predictions, strict=True)
        if prediction.label
    ]


def _scores(student: Predictor, rows: Sequence[Candidates]) -> list[dict[str, float]]:
    prompt = student.card.decoder_prompt(LABEL)
    return student.score(rows, prompt=prompt, batch_size=_ROWS_AT_ONCE, on_batch=lambda count: None)
