r"""Label new inputs with a trained student.

    python -m dsbs.predict --run runs/cqa-dss --input questions.jsonl
    echo '{"question": "Where do fish live?", "choices": ["water", "sky"]}' \
        | python -m dsbs.predict --run runs/cqa-dss

Writes one JSON line per input: id and label, and on request rationale and scores. A row needs the
columns of the task's input and no other. Its own id is the id that is printed. No teacher is
needed, but for a student of method pinto: its rows need the teacher's rationale in a column
`rationale`. With --contract, rows that the contract leaves to the teacher are marked; with
--ask-teacher RUN it is asked for them, and nothing that its store holds is asked again.
"""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from dsbs.artifacts.predictions import PredictedLine
from dsbs.artifacts.student_card import StudentCard, checkpoint_of
from dsbs.cli.stage import Stage
from dsbs.config.predict import PredictConfig
from dsbs.contracts.contract import own_contract
from dsbs.contracts.routing import Cascade
from dsbs.core.errors import InputError
from dsbs.core.iteration import batched
from dsbs.core.known_secrets import printable_json
from dsbs.data.json_rows import parse_lines
from dsbs.data.readers import Rows, read_rows
from dsbs.data.unlabeled import UnlabeledRow, UnlabeledRows
from dsbs.metrics.collapse import say_notices
from dsbs.metrics.label_counts import LabelCounts
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.runtimes.open import open_predictor
from dsbs.student.predict import check
from dsbs.student.predict import predict as predict_examples

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class PredictResult:
    """What `predict` gives."""

    predictions: Iterator[PredictedLine]
    """In the order of the input, made as they are drawn."""


def predict(config: PredictConfig) -> PredictResult:
    """Load the student and start to read the input."""
    checkpoint = checkpoint_of(config.run)
    contract = own_contract(config.contract, checkpoint, config.run)
    student = open_predictor(checkpoint, needed_by="dsbs predict")
    card = student.card
    check(card, decode=card.decode, explain=config.explain, scores=config.scores)
    rows = (
        parse_lines(sys.stdin.buffer, "stdin")
        if config.input == "-"
        else read_rows(Path(config.input))
    )
    cascade = Cascade(contract, card.task, config.ask_teacher) if contract else None
    counts = PredictionCounts(LabelCounts(card.task.label.kind))

    def lines() -> Iterator[PredictedLine]:
        kept = cascade.watched(rows) if cascade else rows
        for asked in batched(_examples(card, kept), _ROWS_AT_ONCE):
            predictions = predict_examples(
                student,
                [one.example for one in asked],
                explain=config.explain or (contract is not None and contract.reads_rationales),
                scores=config.scores,
                confidence=contract is not None,
                batch_size=config.batch_size,
            )
            for (identity, example), prediction in zip(asked, predictions, strict=True):
                counts.add(prediction, card.task.allowed(example.choices))
                line = PredictedLine.of(
                    identity, prediction, explain=config.explain, scores=config.scores
                )
                yield cascade.marked(line, example, prediction) if cascade else line
        learned = card.labels.counts(card.task.label.kind)
        say_notices(counts.notices("the student", learned, whose="training"))

    return PredictResult(cascade.answered(lines()) if cascade else lines())


def _examples(card: StudentCard, rows: Rows) -> Iterator[UnlabeledRow]:
    """The rows to label, each with its rationale where the student reads one."""
    if not card.needs_teacher:
        yield from UnlabeledRows(card.task).read(rows)
        return
    rows, again = itertools.tee(rows)
    for one, (where, row) in zip(UnlabeledRows(card.task).read(rows), again, strict=True):
        rationale = row.get("rationale")
        if not isinstance(rationale, str) or not rationale.strip():
            raise InputError(
                where,
                got="no text in the column 'rationale'",
                expected=f"the teacher's rationale, which a student of method {card.method} reads",
                fix="fill it in, or use a student of another method",
            )
        yield one._replace(example=replace(one.example, rationale=rationale.strip()))


def show(results: PredictResult) -> Iterator[str]:
    """One JSON line per prediction."""
    return (printable_json(line.model_dump_json()) for line in results.predictions)


STAGE = Stage("predict", PredictConfig, predict, show)

if __name__ == "__main__":
    STAGE.main()
