"""What a training will go through, known before a weight is loaded: rows, tokens, steps, FLOPs."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from dsbs.config.presets import Preset, preset_of
from dsbs.config.train import TrainConfig
from dsbs.core.errors import InputError
from dsbs.core.records import LABEL, RATIONALE
from dsbs.distillation.methods import read_output
from dsbs.distillation.teacher_runs import prefixes_of
from dsbs.distillation.training_set import (
    Material,
    Rows,
    student_of,
    tokenizer_texts,
    training_rows,
)
from dsbs.scaling.encoder_decoder import EncoderDecoder, training_flops
from dsbs.student.encoding import Encoded, EncodedTarget, encode_pairs, word_shortener
from dsbs.student.length_groups import Lengths
from dsbs.student.model import load_config, load_tokenizer
from dsbs.training.batching import StepSampler, lengths_of, rows_of
from dsbs.training.soft_teacher import check_soft_teacher

_PASS_FLOPS = {"cpu": (6e8, 180.0), "gpu": (5e12, 1200.0)}
"""See `pass_flops`: fixed, and for each parameter. Measured on a processor, reckoned for a GPU."""


@dataclass(frozen=True)
class Plan:
    """A training before it starts: settings, rows, their token ids, and the architecture."""

    config: TrainConfig
    settings: Preset
    rows: Rows
    tokenizer: PreTrainedTokenizerBase
    architecture: PreTrainedConfig
    encoded: Encoded

    def sampler(self, rank: int = 0, ranks: int = 1) -> StepSampler:
        """The examples of every step, for one rank."""
        settings = self.settings
        return StepSampler(
            len(self.encoded.examples),
            batch_size=settings.batch_size,
            steps=settings.max_steps,
            seed=self.config.seed,
            lengths=self.lengths if self.config.step_order == "length" else None,
            rank=rank,
            ranks=ranks,
        )

    @cached_property
    def lengths(self) -> Lengths:
        """Input and target tokens of every example's longest row, (N, 2)."""
        return np.array(
            [lengths_of(rows_of([example])).max(axis=0) for example in self.encoded.examples]
        )

    @property
    def max_label_tokens(self) -> int:
        """How many tokens a label may take at use: room for longer ones than any in training, but not for rationales."""
        method, prefixes = self.rows.method, prefixes_of(self.config)
        targets = (
            target for pair in self.rows.pairs for target in pair.targets if target.task == LABEL
        )
        labels = sorted(
            {read_output(method, target.text, prefixes).label or "" for target in targets}
        )
        longest = max(map(len, self.tokenizer(text_target=labels).input_ids))
        return min(self.settings.max_target_tokens, 16 + 2 * longest)

    @cached_property
    def flops_per_token(self) -> float:
        """Mean training FLOPs of a token; 0 for an architecture whose count dsbs does not know."""
        costs = self._costs()
        return float(costs[:, 3].sum() / costs[:, 1:3].sum())

    def flops_per_example(self) -> float:
        """Mean training FLOPs of one example, all its targets included."""
        return float(self._costs()[:, 3].mean())

    def totals(self) -> dict[str, Any]:
        """What all steps together go through: rows, examples, sequences, tokens without padding, epochs, FLOPs.

        At equal steps `step_by_step` sees nearly twice the sequences of `standard`; these numbers say so.
        """
        sampler, rows = self.sampler(), self.rows
        times = np.zeros(len(self.encoded.examples), dtype=np.int64)
        for step in range(sampler.steps):
            times[sampler.step(step)] += 1
        sequences, input_tokens, target_tokens, flops = (times @ self._costs()).tolist()
        return {
            "n_rows": rows.n_rows,
            "n_fraction": rows.n_fraction,
            "n_extra": rows.n_extra,
            "n_dropped_overlap": rows.n_dropped_overlap,
            "n_train": len(rows.pairs),
            "n_explained": rows.n_explained,
            "teacher_disagreement": rows.disagreement,
            "examples_seen": int(times.sum()),
            "epochs": round(sampler.steps / sampler.steps_per_epoch, 3),
            "sequences_seen": int(sequences),
            "input_tokens": int(input_tokens),
            "target_tokens": int(target_tokens),
            "train_flops": flops,
            "cut_inputs": self.encoded.cut_inputs,
            "cut_targets": self.encoded.cut_targets,
        }

    def _costs(self) -> NDArray[np.float64]:
        """Sequences, input tokens, target tokens and training FLOPs of every example, (N, 4).

        Padding is not counted. FLOPs are 0 for an architecture whose count dsbs does not know. They hold the scoring of
        candidate labels, and nothing of a soft teacher.
        """
        examples = self.encoded.examples
        rows = rows_of(examples)
        of = np.repeat(np.arange(len(examples)), [len(rows_of([example])) for example in examples])
        inputs = np.array([len(row[0].input_ids) for row in rows], dtype=float)
        targets = np.array([sum(target.tokens for target in row) for row in rows], dtype=float)
        known = self.architecture.model_type in ("t5", "mt5")
        shape = EncoderDecoder.from_config(self.architecture.to_dict()) if known else None
        flops = (
            training_flops(shape, inputs, target_tokens=targets) if shape else np.zeros_like(inputs)
        )
        if shape:
            flops = flops + np.array(
                [sum(_uncounted_flops(shape, target) for target in row) for row in rows]
            )
        columns = [np.array([float(len(row)) for row in rows]), inputs, targets, flops]
        return np.stack(
            [np.bincount(of, weights=column, minlength=len(examples)) for column in columns], axis=1
        )


def plan_training(material: Material, config: TrainConfig) -> Plan:
    """Everything about a training but its weights. InputError for rows or students that cannot be used."""
    config = config.model_copy(update={"student": student_of(config.student, material.task)})
    settings, prefixes = settings_of(config), prefixes_of(config)
    tokenizer = load_tokenizer(
        config.student, lambda: [*tokenizer_texts(material), *prefixes.values()]
    )
    rows = training_rows(material, config, word_shortener(tokenizer, config.max_rationale_tokens))
    architecture = load_config(config.student, tokenizer, config.dropout)
    if config.task_prefix == "decoder" and architecture.model_type not in ("t5", "mt5"):
        expected = "t5 or mt5, whose decoders know distances alone"
        raise InputError(
            "--task-prefix",
            got=repr(architecture.model_type),
            expected=expected,
            fix="name tasks to the encoder",
        )
    for teacher in config.soft_teacher:
        check_soft_teacher(
            teacher, tokenizer=tokenizer, architecture=architecture, method=rows.method
        )
    encoded = encode_pairs(
        rows.pairs,
        tokenizer,
        prefixes=prefixes,
        max_input_tokens=settings.max_input_tokens,
        max_target_tokens=settings.max_target_tokens,
        after_label=prefixes[RATIONALE].strip() if rows.method == "label_then_rationale" else "",
        task_prefix=config.task_prefix,
    )
    return Plan(config, settings, rows, tokenizer, architecture, encoded)


def pass_flops(device: torch.device, parameters: int) -> float:
    """What a device computes in the time that one more forward and backward pass takes for itself.

    Part of it is fixed, and part goes into adding up the gradients of all parameters. See `benchmarks/train.py passes`.
    """
    fixed, each = _PASS_FLOPS["cpu" if device.type == "cpu" else "gpu"]
    return fixed + each * parameters


def settings_of(config: TrainConfig) -> Preset:
    """The student's preset with what the user said in place of it."""
    preset = preset_of(
        config.student, lora=config.lora_rank is not None, optimiser=config.optimiser
    )
    return replace(
        preset,
        **{name: said for name in vars(preset) if (said := getattr(config, name)) is not None},
    )


def _uncounted_flops(shape: EncoderDecoder, target: EncodedTarget) -> float:
    """What a target adds to the FLOPs of its tokens.

    Scoring of all labels that might stand in its place: the decoder's part, and keys and values of the input. The tokens of a
    prompt, which have no logits, take away.
    """
    if not target.candidates:
        return -6.0 * shape.d_model * shape.n_vocab * len(target.prompt)
    inputs, tokens = len(target.input_ids), sum(map(len, target.candidates))
    behind = training_flops(shape, inputs, target_tokens=1 + tokens) - training_flops(
        shape, inputs, target_tokens=1
    )
    # Keys and values: 3 passes x 2 operations x half of an attention's matrices.
    return float(
        behind
        + 3 * shape.n_decoder_layers * shape.attention_parameters * inputs * len(target.candidates)
    )
