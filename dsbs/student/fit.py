"""Train one student into a run folder, from material and settings to the best weights."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, Seq2SeqTrainingArguments

from dsbs.config import TrainConfig
from dsbs.errors import InputError
from dsbs.labels import same_label
from dsbs.material import Material, prefixes_of, validation_rows
from dsbs.progress import Progress, say
from dsbs.records import Example
from dsbs.student.batching import Collator
from dsbs.student.build import build_model
from dsbs.student.checkpoint import Card, Student, quiet, save_student
from dsbs.student.logs import log_callbacks, other_reports
from dsbs.student.plan import Plan, plan_training
from dsbs.student.predict import check, predict
from dsbs.student.tokenizer import tokenizer_hash
from dsbs.student.trainer import StepCallback, StepTrainer, Validate, last_checkpoint

BEST, CHECKPOINTS = "best", "checkpoints"
_SCORE = "eval_accuracy"
_LOGGED = ("step", "loss", "grad_norm", "learning_rate", _SCORE, "clipped_steps")


def fit(material: Material, config: TrainConfig, out: Path) -> dict[str, Any]:
    """Train into `out`: the best weights in `best/`, the last checkpoint in `checkpoints/`. Returns the results.

    Goes on from the last checkpoint where there is one, and ends in the same weights as without the interruption.
    InputError for settings that cannot be trained.
    """
    quiet()
    precision = _precision(config.precision)
    plan = plan_training(material, config)
    _say_plan(plan, material)
    student = _student(plan, material)
    validation = validation_rows(material, config)
    trainer = _train(plan, student, validation, out, precision)
    history = [log for log in trainer.state.log_history if _SCORE in log]
    best: dict[str, Any] = max(history, key=lambda log: log[_SCORE], default={})
    return {
        **{key: getattr(config, key) for key in ("student", "method", "labels", "data_frac", "seed")},
        **plan.totals(),
        "settings": vars(plan.settings),
        "precision": precision,
        "processes": trainer.args.world_size,
        "device": _device_name(trainer.args.device),
        "parameters": student.model.num_parameters(),
        "tokenizer": tokenizer_hash(plan.tokenizer),
        "validation_rows": len(validation),
        "selected_by": config.select_by if validation else "last step",
        "best_step": best.get("step", plan.settings.max_steps),
        "best_validation_accuracy": best.get(_SCORE),
        "clipped_share": trainer.clipped_steps / plan.settings.max_steps,
        "log": [{k: log[k] for k in _LOGGED if k in log} for log in trainer.state.log_history if log.keys() & {"loss", _SCORE}],
    }


def _train(plan: Plan, student: Student, validation: Sequence[tuple[Example, str]], out: Path, precision: str) -> StepTrainer:
    """Run the trainer to its last step; without labelled validation rows the last weights are the best."""
    arguments = _arguments(plan, out, precision)
    rank, ranks = arguments.process_index, arguments.world_size
    _say_disk(student.model, out)
    resumed = last_checkpoint(out / CHECKPOINTS)
    with Progress("train", plan.settings.max_steps, unit="steps", shown=rank == 0) as progress:
        trainer = StepTrainer(
            model=student.model,
            args=arguments,
            processing_class=student.tokenizer,
            encoded=plan.encoded,
            sampler=plan.sampler(rank, ranks),
            collator=Collator(plan.encoded.tasks, student.tokenizer.pad_token_id, plan.config.micro_batch_size),
            validate=_validator(student, validation[rank::ranks]) if validation else None,
            save_best=lambda: save_student(student, out / BEST),
            callbacks=[StepCallback(progress), *log_callbacks(plan.config.report_to, out)],
        )
        if resumed is not None:
            say(f"going on from {resumed}")
            progress.skip(int(resumed.name.rsplit("-", 1)[1]))
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    if not validation and trainer.is_world_process_zero():
        save_student(student, out / BEST)
    return trainer


def _student(plan: Plan, material: Material) -> Student:
    config, settings = plan.config, plan.settings
    card = Card(
        task=material.task,
        method=config.method,
        prefixes=prefixes_of(config),
        decode=config.decode,
        max_input_tokens=settings.max_input_tokens,
        max_target_tokens=settings.max_target_tokens,
        max_label_tokens=plan.max_label_tokens,
    )
    student = Student(build_model(config.student, plan.architecture, seed=config.seed), plan.tokenizer, card)
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


def _precision(wanted: str) -> str:
    """fp32 or bf16. InputError for fp16, in which T5's activations overflow."""
    if wanted == "fp16":
        reason = "fp16, in which the feed-forward layers of T5 overflow to inf and the loss becomes NaN"
        raise InputError("--precision", got=reason, expected="bf16 or fp32", fix="use --precision auto")
    if wanted != "auto":
        return wanted
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "fp32"


def _arguments(plan: Plan, out: Path, precision: str) -> Seq2SeqTrainingArguments:
    settings = plan.settings
    arguments = Seq2SeqTrainingArguments(
        output_dir=str(out / CHECKPOINTS),
        max_steps=settings.max_steps,
        learning_rate=settings.learning_rate,
        lr_scheduler_type="linear",
        weight_decay=0.0,
        max_grad_norm=1.0,
        seed=plan.config.seed,
        bf16=precision == "bf16",
        # Said outright, because only then several processes on CPUs find each other.
        use_cpu=not torch.accelerator.is_available(),
        # A step is one item of the data loader, whatever it is cut into; see StepTrainer.
        gradient_accumulation_steps=1,
        per_device_train_batch_size=1,
        eval_strategy="steps",
        eval_steps=settings.eval_every,
        save_strategy="steps",
        save_steps=settings.eval_every,
        save_total_limit=1,
        logging_steps=max(1, settings.eval_every // 5),
        logging_nan_inf_filter=False,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to=other_reports(plan.config.report_to) or "none",
        disable_tqdm=True,
    )
    if arguments.world_size == 1 and arguments.n_gpu > 1:
        say(f"using 1 of {arguments.n_gpu} GPUs; torchrun --nproc-per-node {arguments.n_gpu} -m dsbs.train uses all")
        arguments._n_gpu = 1
    return arguments


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _say_plan(plan: Plan, material: Material) -> None:
    rows, encoded = plan.rows, plan.encoded
    parts = [f"{plan.config.data_frac:.4g} of {rows.n_rows:,} training rows: {rows.n_fraction:,}"]
    parts += [f"{rows.n_dropped_overlap:,} dropped that stand in test"] if rows.n_dropped_overlap else []
    parts += [f"{rows.n_extra:,} extra inputs"] if rows.n_extra else []
    say(", ".join([*parts, f"{len(rows.pairs):,} are learned from"]))
    if material.overlapping and not plan.config.drop_overlap:
        say(f"{len(material.overlapping):,} training inputs also stand in test; --drop-overlap leaves them out")
    if encoded.cut_inputs or encoded.cut_targets:
        say(f"cut to the limits: {encoded.cut_inputs:,} inputs, {encoded.cut_targets:,} targets")


def _say_disk(model: PreTrainedModel, out: Path) -> None:
    """Say what the run will need on disk; InputError where that is not free.

    Best weights take 4 bytes a parameter, a checkpoint 12 with Adam's two moments, and there are two of those while one
    replaces the other.
    """
    out.mkdir(parents=True, exist_ok=True)
    needed, free = 28 * model.num_parameters() / 1e9, shutil.disk_usage(out).free / 1e9
    say(f"disk: up to {needed:.2g} GB for the best weights and the last checkpoint; {free:.3g} GB are free")
    if needed > free:
        raise InputError(out, got=f"{free:.3g} GB free", expected=f"{needed:.3g} GB", fix="choose another --out")
