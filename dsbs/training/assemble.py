"""The parts of a training, made from its settings: student, collator, objective, validation."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from transformers import PreTrainedConfig

from dsbs.artifacts.manifest import FileRecord
from dsbs.artifacts.student_card import (
    AnswerFacts,
    DataFacts,
    LabelFacts,
    Place,
    StudentCard,
    TrainingFacts,
)
from dsbs.config.student_options import Precision
from dsbs.core.records import LABEL
from dsbs.distillation.labeled_data import TrainingData
from dsbs.student.checkpoint import Student
from dsbs.student.model import build_model
from dsbs.student.predict import check
from dsbs.training.batching import PACKED_PASS_TOKENS, Collator
from dsbs.training.costs import pass_flops
from dsbs.training.loss import task_scales
from dsbs.training.objective import Objective
from dsbs.training.prepare import PreparedTraining
from dsbs.training.schedules import Span
from dsbs.training.soft_cache import CachedTeacher
from dsbs.training.soft_teacher import WhiteBoxTeacher

_VOCABULARY = 100_000
"""Entries of a vocabulary whose logits fit in memory for a packed pass: 0.6 GB."""


def new_student(
    prepared: PreparedTraining, data: TrainingData, checkpoint: Path, *, selected_by: str
) -> Student:
    """The student before training, with the card that its checkpoints get."""
    training = prepared.training
    card = _card(prepared, data, checkpoint, selected_by)
    check(card, decode=card.decode)
    model = build_model(
        training.student,
        prepared.architecture,
        seed=training.seed,
        lora_rank=training.optimization.lora_rank,
    )
    prepared.family.set_generation(model, prepared.tokenizer)
    return Student(model, prepared.tokenizer, card)


def _card(
    prepared: PreparedTraining, data: TrainingData, checkpoint: Path, selected_by: str
) -> StudentCard:
    """All that predicting needs, and what the student learned from."""
    training = prepared.training
    asked = training.recipe.method
    fell_back_from = None if asked == prepared.rows.method else asked
    return StudentCard(
        task=data.task,
        method=prepared.rows.method,
        prefixes=dict(training.recipe.prefixes),
        task_prefix=prepared.task_prefix,
        family=prepared.family.name,
        decode=prepared.family.decode(training.validation.decode),
        score_norm=training.validation.score_norm,
        max_input_tokens=training.optimization.max_input_tokens,
        max_target_tokens=training.optimization.max_target_tokens,
        max_label_tokens=prepared.max_label_tokens,
        max_rationale_tokens=training.recipe.max_rationale_tokens,
        training=TrainingFacts(
            student=training.student,
            method=prepared.rows.method,
            fell_back_from=fell_back_from,
            labels=training.recipe.labels,
            data_frac=training.selection.fraction,
            seed=training.seed,
            selected_by=selected_by,
        ),
        data=DataFacts(
            place=Place.of(data.data, checkpoint) if data.data else None,
            split_seed=data.split_seed,
            skip_incomplete=data.skip_incomplete,
            calibration_frac=data.calibration_frac,
            files=tuple(FileRecord.of(file, checkpoint) for file in data.data_files),
        ),
        answers=AnswerFacts(
            runs=tuple(Place.of(folder, checkpoint) for folder in data.answer_folders),
            weights=tuple(run.weight for run in data.named_teachers),
            mean=data.mean,
        ),
        labels=LabelFacts.of(prepared.rows.labels),
    )


def collator_of(prepared: PreparedTraining, student: Student, device: torch.device) -> Collator:
    """Cuts steps into micro-batches: as many as save time, or as --micro-batch-tokens needs."""
    parameters = student.model.num_parameters()
    settings = prepared.training.optimization
    flops_per_token = prepared.costs.flops_per_token or 6.0 * parameters
    return Collator(
        prepared.encoded.tasks,
        student.tokenizer.pad_token_id,
        max_tokens=settings.micro_batch_tokens or math.inf,
        pass_cost=pass_flops(device, parameters) / flops_per_token,
        loss_mean=prepared.training.recipe.loss_mean,
        packs=prepared.family.packs(student.model, recomputes=settings.gradient_checkpointing),
        pass_tokens=_packed_pass_tokens(prepared.architecture),
        family=prepared.family,
    )


def _packed_pass_tokens(architecture: PreTrainedConfig) -> int:
    """Tokens of a packed pass: fewer where the vocabulary is large, since logits are as wide."""
    vocabulary = architecture.get_text_config().vocab_size
    return min(PACKED_PASS_TOKENS, max(512, PACKED_PASS_TOKENS * _VOCABULARY // vocabulary))


def objective_of(prepared: PreparedTraining, precision: Precision) -> Objective:
    """What the student learns. A soft teacher with a cache must be filled first."""
    soft = prepared.training.recipe.soft
    teacher: WhiteBoxTeacher | CachedTeacher | None = None
    if soft.teachers:
        white_box = WhiteBoxTeacher(
            soft.teachers,
            soft.teacher_weights,
            mean=soft.mean,
            temperature=soft.temperature,
            top_k=soft.top_k,
            dtype=torch.bfloat16 if precision == "bf16" else torch.float32,
        )
        sequences = [target for example in prepared.encoded.examples for target in example]
        teacher = CachedTeacher(soft.cache, white_box, sequences) if soft.cache else white_box
    return Objective(soft.weight, soft.temperature, soft.divergence, teacher)


def task_weights_of(prepared: PreparedTraining, span: Span) -> Callable[[int], Sequence[float]]:
    """The factor on each task's weight at a step of this schedule."""
    recipe = prepared.training.recipe
    schedule = recipe.alpha_schedule if prepared.rows.method == "step_by_step" else "constant"

    def weights(step: int) -> list[float]:
        scales = task_scales(
            schedule, recipe.alpha, step=step - span.start, steps=span.end - span.start
        )
        return [
            scales.label if task == LABEL else scales.rationale for task in prepared.encoded.tasks
        ]

    return weights
