"""Measure one student into its folder, once."""

from pathlib import Path

from dsbs.artifacts.manifest import MANIFEST
from dsbs.artifacts.predictions import PREDICTIONS
from dsbs.artifacts.results.evaluate import EvaluateResult
from dsbs.artifacts.run_folder import open_run
from dsbs.artifacts.student_card import BEST, checkpoint_of, read_card
from dsbs.config.base import Decode, StageConfig
from dsbs.core.progress import say
from dsbs.core.records import Split
from dsbs.distillation.labeled_data import LabeledData


def evaluate_run(
    run: Path,
    data: LabeledData,
    *,
    settings: StageConfig,
    split: Split = "test",
    decode: Decode | None = None,
    batch_size: int = 64,
    out: Path | None = None,
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

    Returns:
        The results of the manifest.
    """
    checkpoint = checkpoint_of(run)
    card = read_card(checkpoint)
    decode = decode or card.decode
    settings = settings.model_copy(update={"decode": decode})
    out = out or _default_out(checkpoint, f"evaluate-{split}-{decode}")
    inputs = [*data.measured_files, *sorted(checkpoint.glob("*.safetensors"))]
    with open_run(out, EvaluateResult, settings, inputs, takes_new_inputs=True) as opened:
        if opened.finished is not None:
            say(f"{out} is done already")
            return opened.finished
        # Not above: they load torch and `evaluate`.
        from dsbs.evaluation.measure import measure, measured_rows, teacher_score
        from dsbs.metrics.accuracy import chance_on
        from dsbs.metrics.collapse import chance_notices
        from dsbs.student.checkpoint import load_student

        rows = measured_rows(data, split)
        if card.needs_teacher:
            rows = rows._replace(examples=data.explained(rows.examples))
        student = load_student(checkpoint)
        scores = measure(student, rows, decode=decode, batch_size=batch_size, out=out)
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
            without_rationale=sum(card.needs_teacher and not e.rationale for e in rows.examples),
            teacher_accuracy=teacher.share if teacher else None,
            teacher_score=teacher,
        )
        opened.finish(results, [out / PREDICTIONS])
        return results


def _default_out(checkpoint: Path, name: str) -> Path:
    run = checkpoint.parent
    in_run = checkpoint.name == BEST and (run / MANIFEST).is_file()
    return run / name if in_run else run / f"{checkpoint.resolve().name}-{name}"
