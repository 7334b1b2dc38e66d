"""The shape of a T5, and the operations and parameters that follow from it.

A multiply-add is two operations and only matrix multiplications count: norms, softmax, activations
and embedding look-ups are not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError, check_positive

Array = NDArray[Any]
Sizes = TypeVar("Sizes", float, Array)  # floats give a float, arrays an array

_CONFIG_KEYS = {  # ours: transformers'
    "d_model": "d_model",
    "d_kv": "d_kv",
    "n_heads": "num_heads",
    "d_ff": "d_ff",
    "n_encoder_layers": "num_layers",
    "n_vocab": "vocab_size",
}


@dataclass(frozen=True)
class EncoderDecoder:
    """The shape of a T5: all that its operations and parameters depend on."""

    d_model: int
    d_kv: int
    """Width of one attention head."""
    n_heads: int
    d_ff: int
    """Width inside a feed-forward block."""
    n_encoder_layers: int
    n_decoder_layers: int
    n_vocab: int
    gated: bool
    """Three feed-forward matrices instead of two."""
    tied: bool
    """The output projection is the embedding matrix: the same operations, no own parameters."""
    n_buckets: int = 32
    """Rows of the relative position bias."""

    def __post_init__(self) -> None:
        check_positive(
            "EncoderDecoder",
            **{f.name: getattr(self, f.name) for f in fields(self) if f.type is not bool},
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "EncoderDecoder":
        """The shape from the `config.json` of a T5, FLAN-T5, mT5 or ByT5.

        transformers 5 writes `tie_word_embeddings` as true for every T5 and keeps the old value in
        `scale_decoder_outputs`, so that key wins where it exists.

        Raises:
            InputError: for any other model.
        """
        missing = [key for key in _CONFIG_KEYS.values() if config.get(key) is None]
        if missing or config.get("model_type", "t5") not in ("t5", "mt5"):
            without = ", ".join(missing) or "nothing"
            got = f"model_type {config.get('model_type')!r}, without {without}"
            expected = "the config of a T5 or mT5"
            raise InputError("config.json", got=got, expected=expected, fix="give the shape itself")
        return cls(
            **{name: config[key] for name, key in _CONFIG_KEYS.items()},
            n_decoder_layers=config.get("num_decoder_layers") or config["num_layers"],
            gated=bool(
                config.get("is_gated_act", str(config.get("feed_forward_proj")).startswith("gated"))
            ),
            tied=bool(config.get("scale_decoder_outputs", config.get("tie_word_embeddings", True))),
            n_buckets=config.get("relative_attention_num_buckets", 32),
        )

    @property
    def attention_parameters(self) -> int:
        """Parameters of one attention: the query, key, value and output matrices."""
        return 4 * self.d_model * self.n_heads * self.d_kv

    @property
    def feed_forward_parameters(self) -> int:
        """Parameters of one feed-forward block."""
        return (3 if self.gated else 2) * self.d_model * self.d_ff

    @property
    def non_embedding_parameters(self) -> int:
        """Parameters without the embedding matrix and an untied output projection: the laws' N.

        A norm of d_model weights precedes every block and follows each stack. Each stack has one
        position bias.
        """
        encoder_layer = self.attention_parameters + self.feed_forward_parameters + 2 * self.d_model
        decoder_layer = (
            2 * self.attention_parameters + self.feed_forward_parameters + 3 * self.d_model
        )
        ends = 2 * (self.d_model + self.n_buckets * self.n_heads)
        return self.n_encoder_layers * encoder_layer + self.n_decoder_layers * decoder_layer + ends

    @property
    def parameters(self) -> int:
        """All parameters; the embedding matrix counts once if tied and twice if not."""
        return self.non_embedding_parameters + (1 if self.tied else 2) * self.n_vocab * self.d_model


def _v1_1(d_model: int, n_heads: int, d_ff: int, n_layers: int) -> EncoderDecoder:
    return EncoderDecoder(
        d_model, 64, n_heads, d_ff, n_layers, n_layers, 32128, gated=True, tied=False
    )


# FLAN-T5 has the shapes of T5 v1.1.
T5_SHAPES = {
    "t5-small": EncoderDecoder(512, 64, 8, 2048, 6, 6, 32128, gated=False, tied=True),
    "t5-v1_1-small": _v1_1(d_model=512, n_heads=6, d_ff=1024, n_layers=8),
    "t5-v1_1-base": _v1_1(d_model=768, n_heads=12, d_ff=2048, n_layers=12),
    "t5-v1_1-large": _v1_1(d_model=1024, n_heads=16, d_ff=2816, n_layers=24),
    "t5-v1_1-xl": _v1_1(d_model=2048, n_heads=32, d_ff=5120, n_layers=24),
    "t5-v1_1-xxl": _v1_1(d_model=4096, n_heads=64, d_ff=10240, n_layers=24),
}


def forward_flops(shape: EncoderDecoder, input_tokens: Sizes, *, target_tokens: Sizes) -> Sizes:
    """Operations of one forward pass over one sequence of s input and t target tokens.

    With i = n_heads d_kv and f = d_model d_ff times 3 (gated) or 2, one layer costs
      encoder, projections of self-attention   2 s 4 d_model i
      encoder, scores and weighted values      2 s s 2 i
      encoder and decoder, feed-forward        2 s f and 2 t f
      decoder, projections of self-attention   2 t 4 d_model i
      decoder, scores and weighted values      2 t t 2 i          (the masked half included)
      decoder, cross-attention query, output   2 t 2 d_model i
      decoder, cross-attention key, value      2 s 2 d_model i    (of the encoder's output)
      decoder, cross scores, weighted values   2 t s 2 i
    and the vocabulary projection 2 t d_model n_vocab. Padding is computed on, so it counts in the
    lengths. A batch is the sum over its rows, which arrays of lengths give; a mean length gives too
    little, because lengths enter squared.
    """
    flops: Sizes = _flops(shape, input_tokens, target_tokens, causal=False)
    return flops


def training_flops(shape: EncoderDecoder, input_tokens: Sizes, *, target_tokens: Sizes) -> Sizes:
    """Operations of one forward and backward pass; the backward pass costs two forward passes.

    Recomputed activations (gradient checkpointing) are not counted.
    """
    return 3 * forward_flops(shape, input_tokens, target_tokens=target_tokens)


def generation_flops(shape: EncoderDecoder, input_tokens: Sizes, *, output_tokens: Sizes) -> Sizes:
    """Operations of greedy decoding with a cache; `output_tokens` includes the end token.

    As `forward_flops`, but step k attends to k positions: t (t + 1) / 2 pairs, not t t.
    """
    flops: Sizes = _flops(shape, input_tokens, output_tokens, causal=True)
    return flops


def _flops(shape: EncoderDecoder, s: Any, t: Any, *, causal: bool) -> Any:
    """`causal`: the decoder's self-attention computes only the pairs that its mask lets through."""
    check_positive("FLOPs of an encoder-decoder", input_tokens=s, target_tokens=t)
    s = np.asarray(s, dtype=np.float64)  # integers would overflow in sums
    t = np.asarray(t, dtype=np.float64)
    self_pairs = t * (t + 1) / 2 if causal else t * t
    attention = 2 * shape.attention_parameters
    feed_forward = 2 * shape.feed_forward_parameters
    pair = 4 * shape.n_heads * shape.d_kv
    encoder = s * (attention + feed_forward) + s * s * pair
    decoder = t * (1.5 * attention + feed_forward) + s * attention / 2 + (self_pairs + t * s) * pair
    vocabulary = 2 * t * shape.d_model * shape.n_vocab
    total = shape.n_encoder_layers * encoder + shape.n_decoder_layers * decoder + vocabulary
    return float(total) if total.ndim == 0 else total
