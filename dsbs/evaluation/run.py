"""Measure one student into its folder, once."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dsbs.artifacts.manifest import MANIFEST
from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.base import Score
from dsbs.artifacts.results.contract import CascadeRow
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import BEST, StudentCard, checkpoint_of, model_files, read_card
from dsbs.config.base import Decode, ScoreNorm, StageConfig
from dsbs.contracts.contract import Contract, contract_file, own_contract
from dsbs.core.errors import InputError
from dsbs.core.hashing import hash_file
from dsbs.core.progress import say
from dsbs.core.records import Prediction, Split
from dsbs.distillation.labeled_data import LabeledData
from dsbs.metrics.accuracy import chance_on
from dsbs.metrics.collapse import Notice, chance_notices
from dsbs.runtimes.open import open_predictor

if TYPE_CHECKING:
    from dsbs.evaluation.measure import MeasuredRows


def evaluate_run(
    run: Path,
    data: LabeledData,
    *,
    settings: StageConfig,
    split: Split = "test",
    decode: Decode | None = None,
    score_norm: ScoreNorm | None = None,
    batch_size: int = 64,
    out: Path | None = None,
    contract: Path | None = None,
) -> EvaluateResult:
    """Measure a student on a split.

    Args:
        run: A run folder of train, its best/, or a copy of that.
        data: The rows, and the teacher's answers if there are any.
        settings: The command's settings, which the manifest records.
        split: The split to measure on.
        decode: How labels are read. Default: the value used in training.
        score_norm: How scores are made comparable. Default: the value used in training.
        batch_size: Rows per forward pass.
        out: The folder for predictions. Default: in the run folder, or beside the checkpoint.
        contract: The student's contract, to measure the cascade as well.

    Returns:
        The results of the manifest.
    """
    checkpoint = checkpoint_of(run)
    card = read_card(checkpoint)
    if contract is not None:
        _check_reading(card, decode, score_norm)
    decode = decode or card.decode
    norm = score_norm or card.score_norm
    # None stands for the sum, so that a folder of an older version is the run that it was.
    read = {"decode": decode, "score_norm": None if _plain(decode, norm) else norm}
    settings = settings.model_copy(update=read)
    promised = own_contract(contract, checkpoint, run)
    out = out or default_out(checkpoint, _folder_name(card, split, decode, norm, contract))
    inputs = [*data.measured_files, *model_files(checkpoint)]
    inputs += [contract_file(contract)] if contract else []
    with open_run(out, EvaluateResult, settings, inputs, takes_new_inputs=True) as opened:
        if opened.finished is not None:
            say(f"{out} is done already")
            return opened.finished
        # Not above: they load torch and `evaluate`.
        from dsbs.evaluation.measure import measure, measured_rows, teacher_score

        rows = measured_rows(data, split)
        if card.needs_teacher:
            rows = rows._replace(examples=data.explained(rows.examples))
        student = open_predictor(checkpoint, needed_by="dsbs evaluate")
        started = (time.perf_counter(), time.process_time())
        scores, predictions = measure(
            student,
            rows,
            decode=decode,
            score_norm=norm,
            batch_size=batch_size,
            out=out,
            confidence=promised is not None,
            explain=promised is not None and promised.reads_rationales,
        )
        ended = (time.perf_counter(), time.process_time())
        teacher = teacher_score(data, split)
        labeled = [(example, example.gold or "") for example in rows.examples]
        chance = chance_on(data.task, labeled, scored=decode == "score")
        notices = [*scores.notices, *_at_chance(scores, chance, split)]
        results = EvaluateResult(
            **vars(card.training) | vars(scores) | {"notices": notices},
            run=str(run),
            out=str(out),
            task=data.task.name,
            split=split,
            decode=decode,
            score_norm=norm,
            chance=chance,
            wall_s=round(ended[0] - started[0], 4),
            cpu_s=round(ended[1] - started[1], 4),
            unlabeled=len(data.splits[split]) - len(rows.examples),
            without_rationale=sum(card.needs_teacher and not e.rationale for e in rows.examples),
            teacher_accuracy=teacher.share if teacher else None,
            teacher_score=teacher,
            cascade=_cascade(promised, data, rows, predictions) if promised else [],
        )
        opened.finish(results, [out / PREDICTIONS])
        return results


def _folder_name(
    card: StudentCard, split: Split, decode: Decode, norm: ScoreNorm, contract: Path | None
) -> str:
    """The name of the folder for what is measured in this way."""
    other = f"-{norm}" if decode == "score" and norm != card.score_norm else ""
    cascaded = f"-{hash_file(contract_file(contract))[:8]}" if contract else ""
    return f"evaluate-{split}-{decode}{other}{cascaded}"


def _at_chance(scores: Score, chance: float, split: Split) -> list[Notice]:
    """A notice where the accuracy is not shown to beat chance."""
    what = scores.name.replace("_", " ")
    return chance_notices(f"the student, {split}", scores.correct, scores.n, chance, what=what)


def _cascade(
    promised: Contract, data: LabeledData, rows: "MeasuredRows", predictions: Sequence[Prediction]
) -> list[CascadeRow]:
    """Student alone, cascade and teacher on the same rows."""
    from dsbs.evaluation.cascade import CascadeRows, measure_cascade

    has_gold = rows.against == "gold"
    return measure_cascade(
        promised, CascadeRows(data.task, rows.examples, predictions, data.answers, has_gold)
    )


def _check_reading(card: StudentCard, decode: Decode | None, norm: ScoreNorm | None) -> None:
    """InputError where labels are read in another way than the contract's scores were."""
    asked = {"--decode": (decode, card.decode), "--score-norm": (norm, card.score_norm)}
    for flag, (wanted, trained) in asked.items():
        if wanted not in (None, trained):
            raise InputError(
                "--contract",
                got=f"{flag} {wanted}",
                expected=f"that of training, {trained}",
                fix=f"leave {flag} out",
            )


def _plain(decode: Decode, norm: ScoreNorm) -> bool:
    """Whether scores decide nothing, or decide as they are."""
    return decode == "generate" or norm == "sum"


def default_out(checkpoint: Path, name: str) -> Path:
    """The folder of what is measured: in the run folder, or beside the checkpoint."""
    run = checkpoint.parent
    in_run = checkpoint.name == BEST and (run / MANIFEST).is_file()
    return run / name if in_run else run / f"{checkpoint.resolve().name}-{name}"
