"""Students of random weights in the shapes of published families, saved as training saves them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dsbs.artifacts.student_card import DataFacts, Place, StudentCard, TrainingFacts
from dsbs.tasks.prompts import load_task
from support.decoder_tokenizers import continued_tokenizer, started_tokenizer
from support.farm import Farm
from support.lossy_tokenizer import lossy_tokenizer

SMALL = {
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "initializer_factor": 2.0,
}


def _byte_tokenizer() -> Any:
    from transformers import ByT5Tokenizer

    return ByT5Tokenizer()


def _t5(**changes: Any) -> Any:
    from transformers import T5Config, T5ForConditionalGeneration

    return T5ForConditionalGeneration(T5Config(**{**SMALL, **changes}))


def _mt5(**changes: Any) -> Any:
    from transformers import MT5Config, MT5ForConditionalGeneration

    return MT5ForConditionalGeneration(MT5Config(**{**SMALL, **changes}))


def _untied(model: Any) -> Any:
    """The same with a head of its own, as v1.1, FLAN and mT5 have it."""
    import torch

    weight = model.get_input_embeddings().weight
    own = torch.nn.Parameter(torch.randn_like(weight) * 0.3)
    model.get_output_embeddings().weight = own
    return model


def _v1_1(vocabulary: int) -> Any:
    return _untied(
        _t5(vocab_size=vocabulary, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
    )


SHAPES: Mapping[str, tuple[Callable[[], Any], Callable[[int], Any]]] = {
    "t5-v1_1": (lossy_tokenizer, _v1_1),
    "flan-untied": (lossy_tokenizer, lambda n: _v1_1(n + 28)),
    "flan-tied": (
        lossy_tokenizer,
        lambda n: _t5(vocab_size=n, feed_forward_proj="gated-gelu", tie_word_embeddings=True),
    ),
    "mt5": (
        lossy_tokenizer,
        lambda n: _untied(_mt5(vocab_size=n, feed_forward_proj="gated-gelu")),
    ),
    "byt5": (_byte_tokenizer, lambda n: _v1_1(384)),
}
"""Tokenizer and model (by the size of the vocabulary) of every shape."""


SMALL_DECODER = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": None,
    "eos_token_id": 1,
}
"""The head is as wide as Llama has it: a share of the states."""
STRETCHED = {
    "rope_type": "llama3",
    "rope_theta": 5e5,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
GEMMA_LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]
GEMMA_POSITIONS = {
    "sliding_attention": {"rope_type": "default", "rope_theta": 2e3},
    "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 3e4},
}


def decoder(kind: str, vocabulary: int, **changes: Any) -> Any:
    """A small decoder of random weights; `changes` are fields of its configuration."""
    from transformers import AutoConfig, AutoModelForCausalLM

    settings = {**SMALL_DECODER, "vocab_size": vocabulary, **changes}
    return AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **settings))


def _gemma(vocabulary: int, **changes: Any) -> Any:
    settings = {"head_dim": 16, "layer_types": GEMMA_LAYERS, "sliding_window": 64, **changes}
    return decoder("gemma3_text", vocabulary, **settings)


DECODERS: Mapping[str, tuple[Callable[[], Any], Callable[[int], Any]]] = {
    "llama": (continued_tokenizer, lambda n: decoder("llama", n)),
    "llama-3": (
        started_tokenizer,
        lambda n: decoder("llama", n, rope_parameters=STRETCHED, tie_word_embeddings=True),
    ),
    # Of this type, transformers builds a tokenizer of Qwen's own, whatever the file has.
    "qwen2": (continued_tokenizer, lambda n: decoder("qwen2", n + 7)),
    "qwen3": (
        continued_tokenizer,
        lambda n: decoder("qwen3", n + 7, head_dim=16, rope_parameters={"rope_theta": 1e6}),
    ),
    "gemma3": (started_tokenizer, lambda n: _gemma(n, query_pre_attn_scalar=16)),
    "gemma3-4b": (
        started_tokenizer,
        lambda n: _gemma(n, query_pre_attn_scalar=24, rope_parameters=GEMMA_POSITIONS),
    ),
    "gemma3-narrow": (continued_tokenizer, lambda n: _gemma(n, sliding_window=16)),
}
"""The same for decoder-only students."""
DECODER_CARD: Mapping[str, Any] = {"family": "decoder-only", "task_prefix": "decoder"}


def card_of(farm: Farm, folder: Path, **changes: Any) -> StudentCard:
    """The card of a student of the farm."""
    values: dict[str, Any] = {
        "task": load_task(str(farm.task)),
        "method": "step_by_step",
        "prefixes": {"label": "[label] ", "rationale": "[rationale] "},
        "decode": "score",
        "max_input_tokens": 24,
        "max_target_tokens": 12,
        "max_label_tokens": 8,
        "training": TrainingFacts(
            student="random",
            method="step_by_step",
            labels="gold",
            data_frac=1.0,
            seed=0,
            selected_by="gold",
        ),
        "data": DataFacts(place=Place.of(farm.data, folder)),
    }
    return StudentCard(**{**values, **changes})


def save_random_student(farm: Farm, folder: Path, shape: str = "t5-v1_1", **changes: Any) -> Path:
    """Save one into a folder; `changes` are fields of its card."""
    import torch

    from dsbs.student.checkpoint import Student, save_student
    from dsbs.student.families import family_of

    make_tokenizer, make_model = {**SHAPES, **DECODERS}[shape]
    own = DECODER_CARD if shape in DECODERS else {}
    torch.manual_seed(0)
    tokenizer = make_tokenizer()
    model = make_model(len(tokenizer)).eval()
    folder.mkdir(parents=True)
    card = card_of(farm, folder, **{**own, **changes})
    family_of(model.config).set_generation(model, tokenizer)
    save_student(Student(model, tokenizer, card), folder)
    return folder
