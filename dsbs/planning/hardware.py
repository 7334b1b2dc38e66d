"""What accelerators offer, and the memory that training takes, with and without sharding."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from dsbs.core.errors import InputError, nearest
from dsbs.scaling.single_stack import SingleStack, StudentShape

Optimizer = Literal["adamw", "adafactor", "adamw_8bit"]


class Accelerator(NamedTuple):
    """One kind of device, as its maker describes it."""

    name: str
    flops: float
    """Peak operations per second in dense bfloat16."""
    memory_bytes: float
    bandwidth: float
    """Bytes per second between memory and chip."""
    power_w: float
    """The highest power of the board."""
    source: str


def _row(
    name: str, tflops: float, memory_gb: float, bandwidth_gb_s: float, power_w: float, source: str
) -> Accelerator:
    return Accelerator(name, tflops * 1e12, memory_gb * 1e9, bandwidth_gb_s * 1e9, power_w, source)


# V100 and T4 are not listed: they have no bfloat16, and T5 overflows in fp16.
ACCELERATORS = {
    row.name: row
    for row in (
        _row("rtx-3090", 71, 24, 936, 350, "NVIDIA, Ampere GA102 whitepaper"),
        _row("rtx-4090", 165, 24, 1008, 450, "NVIDIA, Ada GPU architecture whitepaper"),
        _row("a10", 125, 24, 600, 150, "NVIDIA, A10 data sheet"),
        _row("l4", 121, 24, 300, 72, "NVIDIA, L4 data sheet (half of its 242 with sparsity)"),
        _row("l40s", 362, 48, 864, 350, "NVIDIA, L40S data sheet"),
        _row("a100-40gb", 312, 40, 1555, 400, "NVIDIA, A100 data sheet (SXM)"),
        _row("a100-80gb", 312, 80, 2039, 400, "NVIDIA, A100 data sheet (SXM)"),
        _row("h100-pcie", 756, 80, 2000, 350, "NVIDIA, H100 data sheet (PCIe)"),
        _row("h100", 989, 80, 3350, 700, "NVIDIA, H100 data sheet (SXM)"),
        _row("h200", 989, 141, 4800, 700, "NVIDIA, H200 data sheet (SXM)"),
        _row("b200", 2250, 180, 8000, 1000, "NVIDIA, DGX and HGX B200 data sheets, one of eight"),
        _row("mi300x", 1307, 192, 5300, 750, "AMD, Instinct MI300X data sheet"),
    )
}


def accelerators(names: Iterable[str]) -> list[Accelerator]:
    """The accelerators of these names, or every one for "all". InputError for an unknown name."""
    names = [name.lower() for name in names]
    if names == ["all"]:
        return list(ACCELERATORS.values())
    for name in names:
        if name not in ACCELERATORS:
            expected = "a known accelerator, or all"
            fix = nearest(name, ACCELERATORS)
            raise InputError("--accelerators", got=repr(name), expected=expected, fix=fix)
    return [ACCELERATORS[name] for name in names]


class TrainingMemory(NamedTuple):
    """Bytes of training on one device."""

    weights: float
    gradients: float
    optimizer_states: float
    activations: float

    @property
    def total(self) -> float:
        """All four; work memory of kernels and fragmentation come on top."""
        return sum(self)


def training_memory(
    shape: StudentShape,
    *,
    optimizer: Optimizer,
    batch: int,
    input_tokens: int,
    target_tokens: int,
    devices: int = 1,
) -> TrainingMemory:
    """Bytes on each of `devices` that share weights, gradients and optimizer states (FSDP, ZeRO 3).

    With P parameters: fp32 weights and their bfloat16 copies under autocast take 4 P + 2 P, fp32
    gradients 4 P, optimizer states `optimizer_bytes`. Activations are each device's own, for
    `batch` sequences of these lengths. The layer that is gathered at the time is not counted.
    """
    params = shape.parameters
    return TrainingMemory(
        weights=6.0 * params / devices,
        gradients=4.0 * params / devices,
        optimizer_states=optimizer_bytes(shape, optimizer) / devices,
        activations=batch * activation_bytes(shape, input_tokens, target_tokens),
    )


def optimizer_bytes(shape: StudentShape, optimizer: Optimizer) -> float:
    """Bytes of the optimizer's states.

    Adam keeps two moments per parameter, in fp32 or in 8 bits. Adafactor keeps one row and one
    column per matrix: for m columns and n rows 4 (m + n) bytes instead of 4 m n, so about 8 P /
    d_model.
    """
    per_parameter = {"adamw": 8.0, "adamw_8bit": 2.0, "adafactor": 8.0 / shape.d_model}
    return per_parameter[optimizer] * shape.parameters


def activation_bytes(shape: StudentShape, s: int, t: int) -> float:
    """What the backward pass keeps of one sequence of s input and t target tokens, in bfloat16.

    Bytes per token and layer, with i = n_heads d_kv and f = d_ff:
      each of 2 (encoder) or 3 (decoder) blocks: the norm's input, normalized, scaled 4 + 4 + 4, its
        copy 2, dropout 1: 15 d
      self-attention: queries, keys, values 4 + 4 + 4 (kept in fp32), output 2: 14 i
      cross-attention: queries 4, output 2, keys and values of the encoder's s tokens 4 + 4
      feed-forward: 15 f gated (GELU is several steps), 6 f with ReLU
      pairs of tokens: scores, softmax, dropped-out softmax in fp32: 12 per head and pair
    and at the ends 20 d per token and 4 per logit. This is meant as an upper end: PyTorch 2.13 on a
    CPU kept 8 to 15 % less for small T5 of several shapes with eager attention, and kernels that do
    not store pairs keep less still.
    """
    inner = shape.n_heads * shape.d_kv
    if isinstance(shape, SingleStack):
        return _single_stack_bytes(shape, s + t, t)
    feed_forward = (15 if shape.gated else 6) * shape.d_ff
    encoder = s * (30 * shape.d_model + 14 * inner + feed_forward) + 12 * shape.n_heads * s * s
    decoder = (
        t * (45 * shape.d_model + 20 * inner + feed_forward)
        + 8 * s * inner
        + 12 * shape.n_heads * t * (t + s)
    )
    ends = 20 * (s + t) * shape.d_model + 4 * t * shape.n_vocab
    return float(shape.n_encoder_layers * encoder + shape.n_decoder_layers * decoder + ends)


def _single_stack_bytes(shape: SingleStack, tokens: int, predicted: int) -> float:
    """The same of a row of a decoder-only student: two blocks per layer, counted like T5's."""
    inner = shape.n_heads * shape.d_kv
    feed_forward = (15 if shape.gated else 6) * shape.d_ff
    layer = tokens * (30 * shape.d_model + 14 * inner + feed_forward)
    pairs = 12 * shape.n_heads * tokens * tokens
    ends = 20 * tokens * shape.d_model + 4 * predicted * shape.n_vocab
    return float(shape.n_layers * (layer + pairs) + ends)
