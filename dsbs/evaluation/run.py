"""Measure one student into its folder, once."""

from pathlib import Path

from dsbs.artifacts.manifest import MANIFEST
from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import BEST, checkpoint_of, model_files, read_card
from dsbs.config.base import Decode, StageConfig
from dsbs.contracts.contract import contract_file, own_contract
from dsbs.core.errors import InputError
from dsbs.core.hashing import hash_file
from dsbs.core.progress import say
from dsbs.core.records import Split
from dsbs.distillation.labeled_data import LabeledData
from dsbs.runtimes.open import open_predictor


def evaluate_run(
    run: Path,
    data: LabeledData,
    *,
    settings: StageConfig,
    split: Split = "test",
    decode: Decode | None = None,
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
        batch_size: Rows per forward pass.
        out: The folder for predictions. Default: in the run folder, or beside the checkpoint.
        contract: The student's contract, to measure the cascade as well.

    Returns:
        The results of the manifest.
    """
    checkpoint = checkpoint_of(run)
    card = read_card(checkpoint)
    if contract is not None and decode not in (None, card.decode):
        got = f"--decode {decode}"
        fix = "leave --decode out"
        raise InputError(
            "--contract", got=got, expected=f"that of training, {card.decode}", fix=fix
        )
    decode = decode or card.decode
    settings = settings.model_copy(update={"decode": decode})
    promised = own_contract(contract, checkpoint, run)
    cascaded = f"-{hash_file(contract_file(contract))[:8]}" if contract else ""
    out = out or default_out(checkpoint, f"evaluate-{split}-{decode}{cascaded}")
    inputs = [*data.measured_files, *model_files(checkpoint)]
    inputs += [contract_file(contract)] if contract else []
    with open_run(out, EvaluateResult, settings, inputs, takes_new_inputs=True) as opened:
        if opened.finished is not None:
            say(f"{out} is done already")
            return opened.finished
        # Not above: they load torch and `evaluate`.
        from dsbs.evaluation.measure import measure, measured_rows, teacher_score
        from dsbs.metrics.accuracy import chance_on
        from dsbs.metrics.collapse import chance_notices

        rows = measured_rows(data, split)
        student = open_predictor(checkpoint, needed_by="dsbs evaluate")
        scores, predictions = measure(
            student,
            rows,
            decode=decode,
            batch_size=batch_size,
            out=out,
            confidence=promised is not None,
            explain=promised is not None and promised.reads_rationales,
        )
        cascade = []
        if promised is not None:
            from dsbs.evaluation.cascade import CascadeRows, measure_cascade

            has_gold = rows.against == "gold"
            cascade = measure_cascade(
                promised,
                CascadeRows(data.task, rows.examples, predictions, data.answers, has_gold),
            )
        teacher = teacher_score(data, split)
        labeled = [(example, example.gold or "") for example in rows.examples]
        guessed = chance_on(data.task, labeled, scored=decode == "score")
        what = scores.name.replace("_", " ")
        who = f"the student, {split}"
        notices = scores.notices + chance_notices(who, scores.correct, scores.n, guessed, what=what)
        results = EvaluateResult(
            **vars(card.training) | vars(scores) | {"notices": notices},
            run=str(run),
            out=str(out),
            task=data.task.name,
            split=split,
            decode=decode,
            chance=guessed,
            unlabeled=len(data.splits[split]) - len(rows.examples),
            teacher_accuracy=teacher.share if teacher else None,
            teacher_score=teacher,
            cascade=cascade,
        )
        opened.finish(results, [out / PREDICTIONS])
        return results


def default_out(checkpoint: Path, name: str) -> Path:
    """The folder of what is measured: in the run folder, or beside the checkpoint."""
    run = checkpoint.parent
    in_run = checkpoint.name == BEST and (run / MANIFEST).is_file()
    return run / name if in_run else run / f"{checkpoint.resolve().name}-{name}"
