"""The shape of a decoder-only or encoder-only transformer, and what follows from it.

A multiply-add is two operations and only matrix multiplications count, as in
`dsbs.scaling.encoder_decoder`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dsbs.scaling.encoder_decoder import EncoderDecoder

_UNGATED = (
    *("gpt2", "gpt_neox", "gpt_neo", "opt", "phi", "bloom", "falcon", "starcoder2"),
    *("bert", "roberta", "xlm-roberta", "distilbert", "electra", "mpnet", "deberta", "deberta-v2"),
)
"""Types with two feed-forward matrices instead of three."""


@dataclass(frozen=True)
class SingleStack:
    """The shape of one stack of layers: all that its operations and parameters depend on."""

    d_model: int
    d_kv: int
    """Width of one attention head."""
    n_heads: int
    n_key_heads: int
    """Heads of keys and values."""
    d_ff: int
    n_layers: int
    n_vocab: int
    gated: bool = True
    """Three feed-forward matrices instead of two."""
    tied: bool = True
    """The output projection is the embedding matrix: the same operations, no own parameters."""

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self | None:
        """The shape from the `config.json` of a Gemma, Qwen, Llama, SmolLM, BERT or the like.

        None where the file lacks a size, or the model has experts, which these counts do not know.
        """
        sizes = ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers")
        if any(not isinstance(config.get(key), int) for key in (*sizes, "vocab_size")):
            return None
        if config.get("num_experts") or config.get("num_local_experts"):
            return None
        heads = config["num_attention_heads"]
        return cls(
            d_model=config["hidden_size"],
            d_kv=config.get("head_dim") or config["hidden_size"] // heads,
            n_heads=heads,
            n_key_heads=config.get("num_key_value_heads") or heads,
            d_ff=config["intermediate_size"],
            n_layers=config["num_hidden_layers"],
            n_vocab=config["vocab_size"],
            gated=config.get("model_type") not in _UNGATED,
            tied=bool(config.get("tie_word_embeddings", True)),
        )

    @property
    def attention_parameters(self) -> int:
        """Parameters of one attention: the query, key, value and output matrices."""
        return 2 * self.d_model * self.d_kv * (self.n_heads + self.n_key_heads)

    @property
    def feed_forward_parameters(self) -> int:
        """Parameters of one feed-forward block."""
        return (3 if self.gated else 2) * self.d_model * self.d_ff

    @property
    def non_embedding_parameters(self) -> int:
        """Parameters without embeddings and norms: the laws' N."""
        return self.n_layers * (self.attention_parameters + self.feed_forward_parameters)

    @property
    def parameters(self) -> int:
        """All parameters but those of norms, fewer than one in a thousand."""
        return self.non_embedding_parameters + (1 if self.tied else 2) * self.n_vocab * self.d_model

    def forward_flops(
        self, tokens: NDArray[np.float64], *, predicted_tokens: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Operations of one forward pass over rows of so many tokens, (R,).

        All pairs of a row count in attention, masked ones included. The vocabulary is multiplied
        with predicted tokens alone.
        """
        pairs = 4 * self.n_heads * self.d_kv * tokens * tokens
        layers = 2 * self.non_embedding_parameters * tokens + self.n_layers * pairs
        flops: NDArray[np.float64] = layers + 2 * self.d_model * self.n_vocab * predicted_tokens
        return flops

    def training_flops(
        self, tokens: NDArray[np.float64], *, predicted_tokens: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Operations of one forward and backward pass; the backward pass costs two forward ones."""
        return 3 * self.forward_flops(tokens, predicted_tokens=predicted_tokens)


StudentShape = EncoderDecoder | SingleStack


def _gemma(d_model: int, d_ff: int, n_layers: int) -> SingleStack:
    return SingleStack(d_model, 256, 4, 1, d_ff, n_layers, 262_144)


def _qwen(d_model: int, n_heads: int, d_ff: int, n_layers: int) -> SingleStack:
    return SingleStack(d_model, 128, n_heads, 8, d_ff, n_layers, 151_936)


STACK_SHAPES: Mapping[str, SingleStack] = {
    "gemma-3-270m": _gemma(640, 2048, 18),
    "gemma-3-1b": _gemma(1152, 6912, 26),
    "qwen3-0.6b": _qwen(1024, 16, 3072, 28),
    "qwen3-1.7b": _qwen(2048, 16, 6144, 28),
    "qwen3-4b": _qwen(2560, 32, 9728, 36),
    "smollm2-135m": SingleStack(576, 64, 9, 3, 1536, 30, 49_152),
    "smollm2-360m": SingleStack(960, 64, 15, 5, 2560, 32, 49_152),
    "smollm2-1.7b": SingleStack(2048, 64, 32, 32, 8192, 24, 49_152),
    "smollm3-3b": SingleStack(2048, 128, 16, 4, 11_008, 36, 128_256),
}
"""Decoder-only students by the end of their hub name, from the `config.json` beside their weights.

google/gemma-3-* (Gemma terms of use), Qwen/Qwen3-* and HuggingFaceTB/SmolLM* (Apache-2.0).
"""
