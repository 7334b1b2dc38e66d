"""Tokens and FLOPs of a training set, known before a weight is loaded."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig

from dsbs.scaling.encoder_decoder import EncoderDecoder, training_flops
from dsbs.student.encoding import EncodedTarget
from dsbs.training.batching import EncodedExample, Row, rows_of

_PASS_FLOPS = {"cpu": (6e8, 180.0), "gpu": (5e12, 1200.0)}
"""Overhead of one pass: fixed, and per parameter. Measured on a CPU, estimated for a GPU."""


def pass_flops(device: torch.device, parameters: int) -> float:
    """Fixed overhead of one more forward and backward pass, in FLOPs.

    A part grows with the parameters, whose gradients are added up. `benchmarks/train.py passes`
    measures it.
    """
    fixed, per_parameter = _PASS_FLOPS["cpu" if device.type == "cpu" else "gpu"]
    return fixed + per_parameter * parameters


class ExampleCosts:
    """What each of N examples costs in training. Padding is not counted.

    FLOPs include the scoring of candidate labels, and nothing of a soft teacher. They are 0 for an
    architecture whose count dsbs does not know.
    """

    def __init__(self, examples: Sequence[EncodedExample], architecture: PreTrainedConfig) -> None:
        rows = [rows_of([example]) for example in examples]
        flat = [row for of_example in rows for row in of_example]
        owner = np.repeat(np.arange(len(examples)), [len(of_example) for of_example in rows])

        def per_example(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
            sums = np.bincount(owner, weights=values, minlength=len(examples))
            return sums.astype(np.float64)

        inputs = np.array([len(row[0].input_ids) for row in flat], dtype=float)
        targets = np.array([sum(s.decoder_tokens for s in row) for row in flat], dtype=float)
        self.sequences = per_example([float(len(row)) for row in flat])
        """(N,)"""
        self.input_tokens = per_example(inputs)
        """(N,)"""
        self.target_tokens = per_example(targets)
        """(N,)"""
        self.flops = per_example(_row_flops(flat, inputs, targets, architecture))
        """(N,)"""

    @cached_property
    def flops_per_token(self) -> float:
        """Mean training FLOPs per token."""
        return float(self.flops.sum() / (self.input_tokens + self.target_tokens).sum())

    @cached_property
    def flops_per_example(self) -> float:
        """Mean training FLOPs per example, all its targets included."""
        return float(self.flops.mean())


def _row_flops(
    rows: Sequence[Row],
    inputs: NDArray[np.float64],
    targets: NDArray[np.float64],
    architecture: PreTrainedConfig,
) -> NDArray[np.float64]:
    if architecture.model_type not in ("t5", "mt5"):
        return np.zeros_like(inputs)
    shape = EncoderDecoder.from_config(architecture.to_dict())
    extra = [sum(_extra_flops(shape, sequence) for sequence in row) for row in rows]
    flops: NDArray[np.float64] = training_flops(shape, inputs, target_tokens=targets) + extra
    return flops


def _extra_flops(shape: EncoderDecoder, sequence: EncodedTarget) -> float:
    """What a sequence costs besides its tokens.

    Candidates cost the decoder's part, and keys and values of the input. The tokens of a prompt
    cost less than others, since they have no logits.
    """
    if not sequence.candidates:
        return -6.0 * shape.d_model * shape.n_vocab * len(sequence.prompt)
    inputs = len(sequence.input_ids)
    tokens = sum(map(len, sequence.candidates))
    with_candidates = training_flops(shape, inputs, target_tokens=1 + tokens)
    without = training_flops(shape, inputs, target_tokens=1)
    # Keys and values: 3 passes x 2 operations x half of the attention's matrices.
    per_candidate = 3 * shape.n_decoder_layers * shape.attention_parameters * inputs
    return float(with_candidates - without + per_candidate * len(sequence.candidates))
