"""Tokens and FLOPs of a training set, known before a weight is loaded."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig

from dsbs.student.families import family_of
from dsbs.training.batching import EncodedExample, rows_of

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

        inputs = np.array([row[0].input_tokens for row in flat], dtype=float)
        targets = np.array([sum(s.decoder_tokens for s in row) for row in flat], dtype=float)
        self.sequences = per_example([float(len(row)) for row in flat])
        """(N,)"""
        self.input_tokens = per_example(inputs)
        """(N,)"""
        self.target_tokens = per_example(targets)
        """(N,)"""
        self.flops = per_example(family_of(architecture).training_flops(flat, architecture))
        """(N,)"""

    @cached_property
    def flops_per_token(self) -> float:
        """Mean training FLOPs per token."""
        return float(self.flops.sum() / (self.input_tokens + self.target_tokens).sum())

    @cached_property
    def flops_per_example(self) -> float:
        """Mean training FLOPs per example, all its targets included."""
        return float(self.flops.mean())
