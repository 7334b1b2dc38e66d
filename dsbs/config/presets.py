"""Settings that belong to a student: the paper's for T5, and our own for the built-in ones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any

NO_PREFIXES = ("none",)
"""The value of `prefixes` for a student that reads the bare input."""
DEFAULT_PREFIXES = ("[label] ", "[rationale] ")


@dataclass(frozen=True)
class Preset:
    """Optimization settings of a family of students."""

    learning_rate: float = 5e-5
    max_steps: int = 10_000
    """Optimizer steps."""
    batch_size: int = 64
    """Examples per step, over all devices."""
    max_input_tokens: int = 1024
    max_target_tokens: int = 256
    eval_every: int = 250
    """Steps between two evaluations on validation."""
    patience: int = 0
    """Evaluations without a better one after which training stops; 0 for never."""


PAPER = Preset()
"""Hsieh et al. 2023 for T5 base and large: AdamW, linear decay, no warm-up."""

_TINY = Preset(
    learning_rate=3e-3,
    max_steps=1000,
    batch_size=32,
    max_input_tokens=256,
    max_target_tokens=160,
    eval_every=100,
    patience=3,
)
_OTHERS = replace(PAPER, patience=8)
"""Students that the paper did not train: its settings, but they stop when they have learned.

For encoders, 5e-5 is one of the rates of Devlin et al. 2019, appendix A.3.
"""
_QUICKSTART = replace(
    _TINY, max_steps=800, max_input_tokens=32, max_target_tokens=32, eval_every=200
)

LORA_LEARNING_RATE = 5e-4
"""For adapters. At the paper's 5e-5 they stay near chance.

Source: a public reproduction on four data sets with ranks 8 to 64.
"""

ADAFACTOR_LEARNING_RATE = 1e-3
"""What the authors of T5 use for fine-tuning with Adafactor."""

_PRESETS: Mapping[str, Preset] = {
    "tiny": _TINY,
    "tinier": _TINY,
    **dict.fromkeys(("tiny-gemma", "tiny-qwen", "tiny-llama", "tiny-bert"), _TINY),
    "quickstart": _QUICKSTART,
    "*t5-v1_1-xxl*": replace(PAPER, batch_size=32, max_steps=4000),
    "*t5-v1_1-*": PAPER,
}

PACKAGED: Mapping[str, str] = {"quickstart": "quickstart/student"}
"""Students whose first weights travel with dsbs. Values are folders for `core.files.packaged`."""

_TINY_DECODER: Mapping[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "tie_word_embeddings": True,
    "vocab_size": 512,
}

BUILT_IN: Mapping[str, Mapping[str, Any]] = {
    # T5 v1.1 in miniature: about 330,000 parameters.
    "tiny": {
        "model_type": "t5",
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
    # Half as wide and half as deep: about 100,000 parameters. For comparing two sizes.
    "tinier": {
        "model_type": "t5",
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
    # Decoder-only shapes of a few thousand parameters besides embeddings. For trying them out.
    "tiny-gemma": {"model_type": "gemma3_text", "sliding_window": 16, **_TINY_DECODER},
    "tiny-qwen": {"model_type": "qwen3", **_TINY_DECODER},
    "tiny-llama": {"model_type": "llama", **_TINY_DECODER},
    # An encoder of the same size.
    "tiny-bert": {
        "model_type": "bert",
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "vocab_size": 512,
    },
}
"""Configurations of the built-in students. They start from random weights: no download."""


def base_name(student: str) -> str:
    """The last part of a hub name or folder: "google/t5-v1_1-base" -> "t5-v1_1-base"."""
    return student.rstrip("/").rsplit("/", 1)[-1]


def preset_of(student: str, *, lora: bool = False, optimizer: str = "adamw") -> Preset:
    """The preset of a student, chosen by its base name. Default: the paper's with patience.

    Adapters and Adafactor have their own learning rate, whatever the student.
    """
    name = base_name(student.lower())
    preset = next((found for pattern, found in _PRESETS.items() if fnmatch(name, pattern)), _OTHERS)
    if lora:
        return replace(preset, learning_rate=LORA_LEARNING_RATE)
    if optimizer == "adafactor":
        return replace(preset, learning_rate=ADAFACTOR_LEARNING_RATE)
    return preset
