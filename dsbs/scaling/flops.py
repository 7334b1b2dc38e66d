"""Floating-point operations and parameters: the compute accounting of the distillation laws, and T5's own.

The laws (Busbridge et al. 2025, arXiv 2502.08606) count decoder-only models of fixed aspect ratio; a student of the T5
family is counted here from its shape. A multiply-add is two operations and only matrix multiplications count: norms,
softmax, activations and embedding look-ups are left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError, check_positive, nearest

Array = NDArray[Any]
Sizes = TypeVar("Sizes", float, Array)  # floats give a float, arrays an array


class Scenario(NamedTuple):
    """What of the teacher's compute is charged to the student: 0 or 1 each."""

    logits: int  # the teacher's forward passes over the student's tokens
    pretraining: int  # training the teacher on its own tokens


SCENARIOS = {  # Table 2
    "best_case": Scenario(logits=0, pretraining=0),
    "inference": Scenario(logits=1, pretraining=0),
    "pretraining": Scenario(logits=0, pretraining=1),
    "both": Scenario(logits=1, pretraining=1),
}


def decoder_flops_per_token(
    n: Sizes,
    *,
    n_ctx: float = 4096,
    n_vocab: float = 32168,
    aspect: float = 128,
    group: float = 1,
    n_ffn: float = 3,
    rho_ffn: float = 8 / 3,
) -> Sizes:
    """F(N): forward operations a token of a decoder of `n` parameters without embeddings (App. H.1).

    F = 2n (1 + s1 n_ctx / n^(1/3) + s2 n_vocab / n^(2/3)), s1 = (aspect w^2)^(-1/3), s2 = (aspect / w)^(1/3),
    w = 2 + 2/group + n_ffn rho_ffn; aspect = d_model / layers, group = query heads a key-value head, n_ffn matrices
    of rho_ffn d_model columns. The defaults are the paper's; 2n alone is 40 % low at 103M and 7 % low at 12.6B.
    """
    check_positive(
        "decoder_flops_per_token",
        n=n, n_ctx=n_ctx, n_vocab=n_vocab, aspect=aspect, group=group, n_ffn=n_ffn, rho_ffn=rho_ffn,
    )  # fmt: skip
    width = 2 + 2 / group + n_ffn * rho_ffn
    context = (aspect * width**2) ** (-1 / 3) * n_ctx / n ** (1 / 3)
    vocabulary = (aspect / width) ** (1 / 3) * n_vocab / n ** (2 / 3)
    flops: Sizes = 2 * n * (1 + context + vocabulary)
    return flops


def distillation_flops(
    scenario: str,
    n_student: float,
    *,
    d_student: float,
    n_teacher: float | None = None,
    d_teacher: float | None = None,
) -> float:
    """Operations charged for a student of `n_student` parameters on `d_student` tokens (eq 9).

    3 F(N_S) D_S + F(N_T) (logits D_S + pretraining 3 D_T). `scenario` is a key of `SCENARIOS`; the teacher's size and
    tokens may be left out where it charges nothing for them.
    """
    check_positive("distillation_flops", d_student=d_student)
    per_token, once = _teacher_charges(scenario, n_teacher, d_teacher)
    return (3 * decoder_flops_per_token(n_student) + per_token) * d_student + once


def student_tokens_for(
    compute: float,
    scenario: str,
    *,
    n_student: float,
    n_teacher: float | None = None,
    d_teacher: float | None = None,
) -> float:
    """Tokens the student can be trained on with `compute` operations: the inverse of `distillation_flops` (eq 27).

    InputError where training the teacher alone costs `compute` or more.
    """
    per_token, once = _teacher_charges(scenario, n_teacher, d_teacher)
    if not compute > once:
        expected = f"more than the {once:.3g} operations that training the teacher costs"
        fix = "raise the compute or take a smaller teacher"
        raise InputError("student_tokens_for: compute", got=compute, expected=expected, fix=fix)
    return (compute - once) / (3 * decoder_flops_per_token(n_student) + per_token)


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
    """The shape of a T5: all that its operations and parameters depend on.

    `gated`: three feed-forward matrices instead of two. `tied`: the output projection is the embedding matrix; it
    costs the same operations and no parameters. `n_buckets`: rows of the relative position bias.
    """

    d_model: int
    d_kv: int
    n_heads: int
    d_ff: int
    n_encoder_layers: int
    n_decoder_layers: int
    n_vocab: int
    gated: bool
    tied: bool
    n_buckets: int = 32

    def __post_init__(self) -> None:
        check_positive(
            "EncoderDecoder",
            **{f.name: getattr(self, f.name) for f in fields(self) if f.type is not bool},
        )

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "EncoderDecoder":
        """The shape from the dict of a T5, FLAN-T5, mT5 or ByT5 `config.json`; InputError for any other model.

        `tied` is read from `scale_decoder_outputs` where that key stands: transformers 5 writes `tie_word_embeddings`
        as true for every T5 and keeps its old value there.
        """
        missing = [key for key in _CONFIG_KEYS.values() if config.get(key) is None]
        if missing or config.get("model_type", "t5") not in ("t5", "mt5"):
            got = f"model_type {config.get('model_type')!r}, without {', '.join(missing) or 'nothing'}"
            raise InputError(
                "config.json",
                got=got,
                expected="the config of a T5 or mT5",
                fix="give the shape itself",
            )
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
        """Of one attention: the query, key, value and output matrices."""
        return 4 * self.d_model * self.n_heads * self.d_kv

    @property
    def feed_forward_parameters(self) -> int:
        """Of one feed-forward block."""
        return (3 if self.gated else 2) * self.d_model * self.d_ff

    @property
    def non_embedding_parameters(self) -> int:
        """All but the embedding matrix and an untied output projection: the N of the laws.

        A norm of d_model weights precedes every block and follows each stack; each stack has one position bias.
        """
        encoder_layer = self.attention_parameters + self.feed_forward_parameters + 2 * self.d_model
        decoder_layer = (
            2 * self.attention_parameters + self.feed_forward_parameters + 3 * self.d_model
        )
        ends = 2 * (self.d_model + self.n_buckets * self.n_heads)
        return self.n_encoder_layers * encoder_layer + self.n_decoder_layers * decoder_layer + ends

    @property
    def parameters(self) -> int:
        """All parameters, the embedding matrix counted once if tied and twice if not."""
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
    """Operations of one forward pass over one sequence of `input_tokens` (s) and `target_tokens` (t).

    With i = n_heads d_kv and f = 3 or 2 (gated or not) d_model d_ff, a layer costs
      encoder, projections of self-attention   2 s 4 d_model i
      encoder, scores and weighted values      2 s s 2 i
      encoder and decoder, feed-forward        2 s f and 2 t f
      decoder, projections of self-attention   2 t 4 d_model i
      decoder, scores and weighted values      2 t t 2 i          (the masked half is computed too)
      decoder, cross-attention query, output   2 t 2 d_model i
      decoder, cross-attention key, value      2 s 2 d_model i    (of the encoder's output)
      decoder, cross scores, weighted values   2 t s 2 i
    and the vocabulary projection 2 t d_model n_vocab. Lengths are those computed on, so padding counts; a batch is
    the sum over its rows, which arrays of lengths give. Lengths enter squared: a mean length gives too little.
    """
    flops: Sizes = _flops(shape, input_tokens, target_tokens, causal=False)
    return flops


def training_flops(shape: EncoderDecoder, input_tokens: Sizes, *, target_tokens: Sizes) -> Sizes:
    """Operations of one forward and backward pass over one sequence: the backward pass costs two forward ones.

    Activations that are computed again (gradient checkpointing) are not counted.
    """
    return 3 * forward_flops(shape, input_tokens, target_tokens=target_tokens)


def generation_flops(shape: EncoderDecoder, input_tokens: Sizes, *, output_tokens: Sizes) -> Sizes:
    """Operations of greedily decoding `output_tokens` (the end token included) with keys and values cached.

    As `forward_flops`, but step k attends to k positions, so self-attention scores take t (t + 1) / 2 pairs, not t t.
    """
    flops: Sizes = _flops(shape, input_tokens, output_tokens, causal=True)
    return flops


def _flops(shape: EncoderDecoder, s: Any, t: Any, *, causal: bool) -> Any:
    """`causal`: the decoder's self-attention computes only the query-key pairs that its mask lets through."""
    check_positive("FLOPs of an encoder-decoder", input_tokens=s, target_tokens=t)
    s, t = (
        np.asarray(s, dtype=np.float64),
        np.asarray(t, dtype=np.float64),
    )  # integers would overflow in sums
    self_pairs = t * (t + 1) / 2 if causal else t * t
    attention, feed_forward = 2 * shape.attention_parameters, 2 * shape.feed_forward_parameters
    pair = 4 * shape.n_heads * shape.d_kv
    encoder = s * (attention + feed_forward) + s * s * pair
    decoder = t * (1.5 * attention + feed_forward) + s * attention / 2 + (self_pairs + t * s) * pair
    vocabulary = 2 * t * shape.d_model * shape.n_vocab
    total = shape.n_encoder_layers * encoder + shape.n_decoder_layers * decoder + vocabulary
    return float(total) if total.ndim == 0 else total


def _teacher_charges(
    scenario: str, n_teacher: float | None, d_teacher: float | None
) -> tuple[float, float]:
    """Operations that the teacher adds a student token, and once."""
    if scenario not in SCENARIOS:
        raise InputError(
            "scenario", got=repr(scenario), expected="one we know", fix=nearest(scenario, SCENARIOS)
        )
    charged = SCENARIOS[scenario]
    if not any(charged):
        return 0.0, 0.0
    forward = decoder_flops_per_token(_given(scenario, n_teacher=n_teacher))
    return charged.logits * forward, 3 * forward * _given(
        scenario, d_teacher=d_teacher
    ) if charged.pretraining else 0.0


def _given(scenario: str, **argument: float | None) -> float:
    (name, value), *_ = argument.items()
    if value is None or not value > 0:
        fix = f"give the teacher's {name}, or choose best_case"
        raise InputError(
            f"scenario {scenario}: {name}", got=value, expected="a number above 0", fix=fix
        )
    return value
