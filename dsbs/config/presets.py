"""Settings that belong to a student: the paper's for T5, their own for the small built-in students."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any


@dataclass(frozen=True)
class Preset:
    """Learning rate, optimiser steps, examples a step, lengths in tokens, steps between evaluations."""

    learning_rate: float = 5e-5
    max_steps: int = 10_000
    batch_size: int = 64
    max_input_tokens: int = 1024
    max_target_tokens: int = 256
    eval_every: int = 250


PAPER = Preset()
"""Hsieh et al. 2023 for T5 base and large: AdamW, linear decay, no warm-up."""

_TINY = Preset(
    learning_rate=3e-3,
    max_steps=1000,
    batch_size=32,
    max_input_tokens=256,
    max_target_tokens=160,
    eval_every=100,
)
_QUICKSTART = replace(
    _TINY, max_steps=800, max_input_tokens=32, max_target_tokens=32, eval_every=200
)

LORA_LEARNING_RATE = 5e-4
"""Of adapters: at the paper's 5e-5 they stay near chance (a public reproduction on four data sets, ranks 8 to 64)."""

ADAFACTOR_LEARNING_RATE = 1e-3
"""What the authors of T5 fine-tune with; their 1e-4 for Adam is as fast."""

_PRESETS: Mapping[str, Preset] = {
    "tiny": _TINY,
    "tinier": _TINY,
    "quickstart": _QUICKSTART,
    "*t5-v1_1-xxl*": replace(PAPER, batch_size=32, max_steps=4000),
}

PACKAGED: Mapping[str, str] = {"quickstart": "quickstart/student"}
"""Students whose starting weights travel with dsbs, by the folder that `dsbs.tasks.prompts.packaged` finds."""

BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    # T5 v1.1 in miniature: about 330,000 parameters.
    "tiny": {
        "d_model": 64,
        "d_kv": 16,
        "d_ff": 128,
        "num_layers": 2,
        "num_decoder_layers": 2,
        "num_heads": 4,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": 0.0,
        "vocab_size": 2048,
    },
    # Half as wide and half as deep, for what only shows between a larger and a smaller model: about 100,000 parameters.
    "tinier": {
        "d_model": 32,
        "d_kv": 16,
        "d_ff": 64,
        "num_layers": 1,
        "num_decoder_layers": 1,
        "num_heads": 2,
        "feed_forward_proj": "gated-gelu",
        "dropout_rate": 0.0,
        "vocab_size": 2048,
    },
}
"""T5 configurations of the built-in students, which start from random weights and need no download."""


def preset_of(student: str, *, lora: bool = False, optimiser: str = "adamw") -> Preset:
    """The preset of a student's family, by its name or folder; the paper's where nothing else fits.

    Adapters and Adafactor have a learning rate of their own, whatever the student.
    """
    name = short_name(student).lower()
    found = next((preset for pattern, preset in _PRESETS.items() if fnmatch(name, pattern)), PAPER)
    own = (
        LORA_LEARNING_RATE
        if lora
        else ADAFACTOR_LEARNING_RATE
        if optimiser == "adafactor"
        else found.learning_rate
    )
    return replace(found, learning_rate=own)


def short_name(student: str) -> str:
    """The last part of a hub name or folder: "t5-v1_1-base" of "google/t5-v1_1-base"."""
    return student.rstrip("/").rsplit("/", 1)[-1]
