"""Train one student into a run folder, from material and settings to the best weights."""

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.progress import Progress, say
from dsbs.core.records import LABEL, Example
from dsbs.distillation.teacher_runs import prefixes_of
from dsbs.distillation.training_set import Material, validation_rows
from dsbs.student.checkpoint import BEST, Card, Student, quiet, save_student
from dsbs.student.cpu import settle
from dsbs.student.model import build_model
from dsbs.student.precision import precision_of
from dsbs.student.predict import check, predict
from dsbs.student.t5.fused_layers import packs
from dsbs.student.tokenizer import tokenizer_hash
from dsbs.tasks.labels import same_label
from dsbs.training.batching import Collator
from dsbs.training.callbacks import log_callbacks
from dsbs.training.loss import task_scales
from dsbs.training.objective import Objective
from dsbs.training.prepare import Plan, pass_flops, plan_training
from dsbs.training.sharding import ShardedTrainer, sharded
from dsbs.training.soft_cache import CachedTeacher
from dsbs.training.soft_teacher import WhiteBoxTeacher
from dsbs.training.trainer import StepCallback, StepTrainer, Validate, last_checkpoint
from dsbs.training.trainer_arguments import training_arguments

CHECKPOINTS = "checkpoints"
_SCORE = "eval_accuracy"
_LOGGED = ("step", "loss", "grad_norm", "learning_rate", _SCORE, "clipped_steps")


def fit(material: Material, config: TrainConfig, out: Path) -> dict[str, Any]:
    """Train into `out`: the best weights in `best/`, the last checkpoint in `checkpoints/`. Returns the results.

    Goes on from the last checkpoint where there is one, and ends in the same weights as without the interruption.
    InputError for settings that cannot be trained.
    """
    quiet()
    settle()
    plan = plan_training(material, config)
    _say_plan(plan, material)
    student = _student(plan, material)
    precision = precision_of(config.precision, student.model)
    validation = validation_rows(material, config)
    trainer = _train(plan, student, validation, out, precision)
    history = [log for log in trainer.state.log_history if _SCORE in log]
    best: dict[str, Any] = max(history, key=lambda log: log[_SCORE], default={})
    return {
        **{
            key: getattr(config, key)
            for key in ("student", "method", "labels", "data_frac", "seed")
        },
        **plan.totals(),
        "settings": vars(plan.settings),
        "precision": precision,
        "processes": trainer.args.world_size,
        "sharded": isinstance(trainer, ShardedTrainer),
        "device": _device_name(trainer.args.device),
        "parameters": student.model.num_parameters(),
        "trained_parameters": student.model.num_parameters(only_trainable=True),
        "tokenizer": tokenizer_hash(plan.tokenizer),
        "validation_rows": len(validation),
        "selected_by": config.select_by if validation else "last step",
        "best_step": best.get("step", plan.settings.max_steps),
        "best_validation_accuracy": best.get(_SCORE),
        "clipped_share": trainer.clipped_steps / plan.settings.max_steps,
        "log": [
            {k: log[k] for k in _LOGGED if k in log}
            for log in trainer.state.log_history
            if log.keys() & {"loss", _SCORE}
        ],
    }


def _train(
    plan: Plan,
    student: Student,
    validation: Sequence[tuple[Example, str]],
    out: Path,
    precision: str,
) -> StepTrainer:
    """Run the trainer to its last step; without labelled validation rows the last weights are the best."""
    arguments = training_arguments(plan.config, plan.settings, out / CHECKPOINTS, precision)
    rank, ranks = arguments.process_index, arguments.world_size
    kind = ShardedTrainer if sharded(plan.config, ranks) else StepTrainer
    _say_disk(student.model, out)
    resumed = last_checkpoint(out / CHECKPOINTS)
    objective, cache = _objective(plan, precision)
    collator = _collator(plan, student, arguments.device)
    if cache is not None:
        limit, vocabulary = plan.config.soft_cache_gb, plan.architecture.vocab_size
        cache.fill(collator, limit_gb=limit, vocabulary=vocabulary, rank=rank, ranks=ranks)
    with Progress("train", plan.settings.max_steps, unit="steps", shown=rank == 0) as progress:
        trainer = kind(
            model=student.model,
            args=arguments,
            processing_class=student.tokenizer,
            encoded=plan.encoded,
            sampler=plan.sampler(rank, ranks),
            collator=collator,
            objective=objective,
            task_weights=_task_weights(plan),
            validate=_validator(student, validation[rank::ranks]) if validation else None,
            save_best=lambda weights: save_student(student, out / BEST, weights),
            callbacks=[StepCallback(progress), *log_callbacks(plan.config.report_to, out)],
        )
        if resumed is not None:
            say(f"going on from {resumed}")
            progress.skip(int(resumed.name.rsplit("-", 1)[1]))
        trainer.accelerator.wait_for_everyone()  # until the cache is whole
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if not validation:
        trainer.save_best()
    return trainer


def _collator(plan: Plan, student: Student, device: torch.device) -> Collator:
    """Cuts a step into micro-batches: as many as pay, with --micro-batch-tokens as many as that asks for."""
    parameters = student.model.num_parameters()
    per_token = plan.flops_per_token or 6.0 * parameters
    return Collator(
        plan.encoded.tasks,
        student.tokenizer.pad_token_id,
        most=plan.config.micro_batch_tokens or math.inf,
        worth=pass_flops(device, parameters) / per_token,
        normalise=plan.config.normalise,
        packs=packs(student.model)
        and not plan.config.gradient_checkpointing,  # which computes a part alone again
    )


def _student(plan: Plan, material: Material) -> Student:
    config, settings = plan.config, plan.settings
    card = Card(
        task=material.task,
        method=plan.rows.method,
        prefixes=prefixes_of(config),
        task_prefix=config.task_prefix,
        decode=config.decode,
        max_input_tokens=settings.max_input_tokens,
        max_target_tokens=settings.max_target_tokens,
        max_label_tokens=plan.max_label_tokens,
    )
    student = Student(
        build_model(
            config.student, plan.architecture, seed=config.seed, lora_rank=config.lora_rank
        ),
        plan.tokenizer,
        card,
    )
    check(student, decode=config.decode)
    return student


def _validator(student: Student, rows: Sequence[tuple[Example, str]]) -> Validate:
    """Counts right labels on this rank's share of the validation rows; right is the label that training learns from."""
    share = [replace(example, gold=label) for example, label in rows]
    kind = student.card.task.label.kind

    def validate() -> tuple[int, int]:
        predictions = predict(student, share)
        return sum(same_label(kind, p.label, p.gold) for p in predictions), len(predictions)

    return validate


def _objective(plan: Plan, precision: str) -> tuple[Objective, CachedTeacher | None]:
    """What is learned, and the cache to fill first, where there is one."""
    config, teacher, cache = plan.config, None, None
    if config.soft_teacher:
        teacher = WhiteBoxTeacher(
            config.soft_teacher,
            config.soft_teacher_weights,
            mean=config.ensemble,
            temperature=config.soft_temperature,
            top_k=config.soft_top_k,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        )
        sequences = [sequence for example in plan.encoded.examples for sequence in example]
        cache = CachedTeacher(config.soft_cache, teacher, sequences) if config.soft_cache else None
    return Objective(
        config.soft_weight, config.soft_temperature, config.soft_divergence, cache or teacher
    ), cache


def _task_weights(plan: Plan) -> Callable[[int], Sequence[float]]:
    """What each task's weight is multiplied by at a step."""
    config, steps, tasks = plan.config, plan.settings.max_steps, plan.encoded.tasks
    scheduled = config.alpha_schedule if plan.rows.method == "step_by_step" else "constant"

    def weights(step: int) -> list[float]:
        label, rationale = task_scales(scheduled, config.alpha, step=step, steps=steps)
        return [label if task == LABEL else rationale for task in tasks]

    return weights


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _say_plan(plan: Plan, material: Material) -> None:
    rows, encoded = plan.rows, plan.encoded
    parts = [f"{plan.config.data_frac:.4g} of {rows.n_rows:,} training rows: {rows.n_fraction:,}"]
    parts += (
        [f"{rows.n_dropped_overlap:,} dropped that stand in test"] if rows.n_dropped_overlap else []
    )
    parts += [f"{rows.n_extra:,} extra inputs"] if rows.n_extra else []
    say(
        ", ".join(
            [*parts, f"{len(rows.pairs):,} are learned from, {rows.n_explained:,} with a rationale"]
        )
    )
    if rows.disagreement["rows"]:
        say(
            f"the teachers disagree on {rows.disagreement['share']:.1%} of {rows.disagreement['rows']:,} rows"
        )
    if material.overlapping and not plan.config.drop_overlap:
        say(
            f"{len(material.overlapping):,} training inputs also stand in test; --drop-overlap leaves them out"
        )
    if encoded.cut_inputs or encoded.cut_targets:
        say(f"cut to the limits: {encoded.cut_inputs:,} inputs, {encoded.cut_targets:,} targets")


def _say_disk(model: PreTrainedModel, out: Path) -> None:
    """Say what the run will need on disk; InputError where that is not free.

    Best weights take 4 bytes a parameter, a checkpoint 12 for each that is trained, with Adam's two moments, and there are
    two of those while one replaces the other.
    """
    out.mkdir(parents=True, exist_ok=True)
    bytes_needed = 4 * model.num_parameters() + 24 * model.num_parameters(only_trainable=True)
    needed, free = bytes_needed / 1e9, shutil.disk_usage(out).free / 1e9
    say(
        f"disk: up to {needed:.2g} GB for the best weights and the last checkpoint; {free:.3g} GB are free"
    )
    if needed > free:
        raise InputError(
            out, got=f"{free:.3g} GB free", expected=f"{needed:.3g} GB", fix="choose another --out"
        )
