"""Memory that training takes on one device, by what it is for, with and without sharding."""

from typing import NamedTuple

from dsbs.flops import EncoderDecoder


class TrainingMemory(NamedTuple):
    """Bytes on one device."""

    weights: float
    gradients: float
    optimizer_states: float
    activations: float

    @property
    def total(self) -> float:
        """All of it; the kernels' own work memory and fragmentation come on top."""
        return sum(self)


def training_memory(
    shape: EncoderDecoder, *, optimizer: str, batch: int, input_tokens: int, target_tokens: int, devices: int = 1
) -> TrainingMemory:
    """Bytes on each of `devices` that share weights, gradients and optimiser states evenly (FSDP, ZeRO 3).

    With P parameters: fp32 weights and their bfloat16 copies under autocast 4 P + 2 P, fp32 gradients 4 P, optimiser
    states by `optimizer_bytes`. Activations are each device's own, for `batch` sequences of these lengths; the layer that
    is gathered at the time is not counted.
    """
    weights, gradients = 6.0 * shape.parameters, 4.0 * shape.parameters
    states = optimizer_bytes(shape, optimizer)
    kept = batch * activation_bytes(shape, input_tokens, target_tokens)
    return TrainingMemory(weights / devices, gradients / devices, states / devices, kept)


def optimizer_bytes(shape: EncoderDecoder, optimizer: str) -> float:
    """Adam keeps two fp32 moments, 8 P. Adafactor keeps a row and a column of fp32 a matrix: of a matrix with m columns and
    n rows 4 (m + n) instead of 4 m n bytes, so about 8 P / d_model. Plain SGD keeps nothing.
    """
    return {"adamw": 8.0, "adafactor": 8.0 / shape.d_model, "sgd": 0.0}[optimizer] * shape.parameters


def activation_bytes(shape: EncoderDecoder, s: int, t: int) -> float:
    """What the backward pass keeps of one sequence of s input and t target tokens, under bfloat16 autocast.

    Bytes a token and layer, i = n_heads d_kv, f = d_ff:
      each of 2 (encoder) or 3 (decoder) blocks: norm's input, normalised, scaled 4 + 4 + 4, its copy 2, dropout 1: 15 d
      self-attention: queries, keys, values 4 + 4 + 4 (kept in fp32), output 2: 14 i
      cross-attention: queries 4, output 2, keys and values of the encoder's s tokens 4 + 4
      feed-forward: 15 f gated (GELU is several steps), 6 f with ReLU
      pairs of tokens: scores, softmax, dropped-out softmax in fp32: 12 a head and pair
    and at the ends 20 d a token and 4 a logit. Attention kernels that do not store pairs keep less. Checked against what
    PyTorch keeps, on a CPU, for T5 of many shapes: within 10 %.
    """
    inner, heads, feed_forward = shape.n_heads * shape.d_kv, shape.n_heads, (15 if shape.gated else 6) * shape.d_ff
    encoder = s * (30 * shape.d_model + 14 * inner + feed_forward) + 12 * heads * s * s
    decoder = t * (45 * shape.d_model + 20 * inner + feed_forward) + 8 * s * inner + 12 * heads * t * (t + s)
    ends = 20 * (s + t) * shape.d_model + 4 * t * shape.n_vocab
    return float(shape.n_encoder_layers * encoder + shape.n_decoder_layers * decoder + ends)
