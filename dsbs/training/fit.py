"""Train one student into a run folder: from data and settings to the best weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerState
from transformers.trainer import TRAINER_STATE_NAME

from dsbs.artifacts.results.train import LogEntry, Schedule, TrainResult, TrainSettings
from dsbs.artifacts.student_card import BEST
from dsbs.config.recipe import Training
from dsbs.config.student_options import Precision
from dsbs.core.progress import Progress, say
from dsbs.distillation.labeled_data import TrainingData
from dsbs.distillation.training_set import ValidationRow, validation_rows
from dsbs.metrics.accuracy import chance_on
from dsbs.metrics.collapse import Notice, validation_notices
from dsbs.student.checkpoint import Student, save_student, silence_libraries
from dsbs.student.cpu import tune_cpu
from dsbs.student.precision import precision_of
from dsbs.student.tokenizer import tokenizer_hash
from dsbs.training.assemble import (
    collator_of,
    new_student,
    objective_of,
    task_weights_of,
)
from dsbs.training.batching import Collator
from dsbs.training.callbacks import PatienceCallback, StepCallback, log_callbacks
from dsbs.training.checkpoints import agreed_checkpoint, step_of
from dsbs.training.notices import check_disk, say_rows
from dsbs.training.objective import Objective
from dsbs.training.prepare import PreparedTraining, prepare
from dsbs.training.schedules import CHECKPOINTS, Patience, Span, earlier_schedules
from dsbs.training.sharding import ShardedTrainer, is_sharded
from dsbs.training.soft_cache import CachedTeacher
from dsbs.training.trainer import StepTrainer
from dsbs.training.trainer_arguments import training_arguments
from dsbs.training.validation import Validator, compared_with


def fit(training: Training, data: TrainingData, out: Path) -> TrainResult:
    """Train into `out`: the best weights in best/, the last checkpoint in checkpoints/.

    Goes on from the newest whole checkpoint, and ends in the same weights as without interruption.

    Raises:
        InputError: Something in the settings or the data does not allow training.
    """
    silence_libraries()
    tune_cpu()
    prepared = prepare(training, data)
    say_rows(prepared, data)
    validation = validation_rows(data, training.validation)
    selected_by = training.validation.select_by if validation else "last step"
    student = new_student(prepared, data, out / BEST, selected_by=selected_by)
    precision = precision_of(training.optimization.precision, student.model)
    earlier = earlier_schedules(out)
    span = Span(earlier[-1].end if earlier else 0, training.optimization.max_steps)
    patience = _patience(student, data, validation, training.optimization.patience, span)
    trainer = _train(prepared, student, validation, out, precision, span, patience)
    steps = trainer.state.global_step
    history = trainer.state.log_history
    log = [LogEntry.model_validate(entry) for entry in history]
    current = _schedule(log, span, steps)
    return TrainResult(
        **vars(student.card.training) | vars(prepared.rows.counts) | vars(prepared.totals(steps)),
        out=str(out),
        task=data.task.name,
        answer_rows=list(data.answer_rows),
        settings=TrainSettings.model_validate(vars(training.optimization)),
        steps=steps,
        schedules=[*earlier, current],
        cut_inputs=prepared.encoded.cut_inputs,
        cut_targets=prepared.encoded.cut_targets,
        lost_characters=prepared.lost_characters,
        precision=precision,
        processes=trainer.args.world_size,
        sharded=isinstance(trainer, ShardedTrainer),
        device=_device_name(trainer.args.device),
        parameters=student.model.num_parameters(),
        trained_parameters=student.model.num_parameters(only_trainable=True),
        tokenizer=tokenizer_hash(prepared.tokenizer),
        validation_rows=len(validation),
        best_step=current.best_step,
        best_validation_accuracy=current.best_validation_accuracy,
        clipped_share=trainer.clipped_steps / steps,
        notices=[
            *prepared.rows.notices,
            *validation_notices(len(validation)),
            *_notices_at(history, current.best_step),
        ],
        log=[entry for entry in log if entry.loss is not None or entry.eval_accuracy is not None],
    )


def _schedule(log: Sequence[LogEntry], span: Span, steps: int) -> Schedule:
    """The schedule that ended after so many steps. Without validation, the last one is the best."""
    evaluated = [entry for entry in log if entry.eval_accuracy is not None]
    best = max(evaluated, key=lambda entry: entry.eval_accuracy or 0.0, default=None)
    return Schedule(
        start=span.start,
        planned_end=span.end,
        end=steps,
        stopped_by="steps" if steps == span.end else "patience",
        best_step=best.step if best else steps,
        best_validation_accuracy=best.eval_accuracy if best else None,
    )


def _train(
    prepared: PreparedTraining,
    student: Student,
    validation: Sequence[ValidationRow],
    out: Path,
    precision: Precision,
    span: Span,
    patience: Patience,
) -> StepTrainer:
    """Run the trainer to its last step. Without validation rows, the last weights are the best."""
    training = prepared.training
    arguments = training_arguments(training, out / CHECKPOINTS, precision)
    rank = arguments.process_index
    ranks = arguments.world_size
    trainer_kind = ShardedTrainer if is_sharded(training.optimization, ranks) else StepTrainer
    check_disk(student.model, out)
    checkpoint = agreed_checkpoint(out / CHECKPOINTS, rank=rank, ranks=ranks)
    objective = objective_of(prepared, precision)
    collator = collator_of(prepared, student, arguments.device)
    _fill_cache(objective, prepared, collator, rank, ranks)
    steps = training.optimization.max_steps
    with Progress("train", steps, unit="steps", shown=rank == 0) as progress:
        trainer = trainer_kind(
            model=student.model,
            args=arguments,
            processing_class=student.tokenizer,
            encoded=prepared.encoded,
            sampler=prepared.sampler(rank, ranks),
            collator=collator,
            objective=objective,
            task_weights=task_weights_of(prepared, span),
            validator=_validator(prepared, student, validation, rank, ranks),
            save_best=lambda weights: save_student(student, out / BEST, weights),
            span=span,
            callbacks=[
                StepCallback(progress),
                PatienceCallback(patience),
                *log_callbacks(training.report_to, out),
            ],
        )
        if checkpoint is not None:
            say(f"going on from {checkpoint}")
            progress.skip(step_of(checkpoint))
        # Until every process has filled its share of the soft teacher's cache.
        trainer.accelerator.wait_for_everyone()
        ended = _ended(checkpoint, patience)
        if ended is None:
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        else:
            trainer.state = ended
    if not validation:
        trainer.save_best()
    return trainer


def _fill_cache(
    objective: Objective, prepared: PreparedTraining, collator: Collator, rank: int, ranks: int
) -> None:
    """Let the soft teacher answer this process's share, where its answers are cached."""
    if isinstance(objective.soft_teacher, CachedTeacher):
        objective.soft_teacher.fill(
            collator,
            limit_gb=prepared.training.recipe.soft.cache_gb,
            vocabulary=prepared.architecture.get_text_config().vocab_size,
            rank=rank,
            ranks=ranks,
        )


def _notices_at(history: Sequence[Mapping[str, Any]], step: int) -> list[Notice]:
    """Signs of collapse that the trainer has kept with the validation after a step."""
    kept = (entry["notices"] for entry in history if entry["step"] == step and "notices" in entry)
    return [Notice(**notice) for notice in next(kept, ())]


def _validator(
    prepared: PreparedTraining,
    student: Student,
    rows: Sequence[ValidationRow],
    rank: int,
    ranks: int,
) -> Validator | None:
    """What chooses the best weights. None without labeled validation rows."""
    if not rows:
        return None
    return Validator(student, rows, compared_with(prepared.training.validation), rank, ranks)


def _patience(
    student: Student,
    data: TrainingData,
    validation: Sequence[ValidationRow],
    evaluations: int,
    span: Span,
) -> Patience:
    """When training is to end before its last step. Without validation rows: never."""
    if not validation:
        return Patience(0, 0.0)
    level = chance_on(data.task, validation, scored=student.card.decode == "score")
    return Patience(evaluations, level, span.start)


def _ended(checkpoint: Path | None, patience: Patience) -> TrainerState | None:
    """The state of a training that patience had ended when it was interrupted."""
    if checkpoint is None:
        return None
    state = TrainerState.load_from_json(str(checkpoint / TRAINER_STATE_NAME))
    return state if patience.is_out(state.log_history) else None


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
