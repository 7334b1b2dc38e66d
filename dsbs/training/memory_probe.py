"""How many tokens of a forward and backward pass fit in memory, found by trying."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, EncodedExample, StepBatch, lengths_of, rows_of

_STATE_BYTES = {"adamw_torch_fused": 8, "adamw_bnb_8bit": 2, "adafactor": 0}
"""Bytes that an optimizer of transformers keeps per parameter.

Adafactor keeps a row and a column per matrix, which is next to nothing.
"""


class PassTooLarge(InputError):
    """A forward pass that cannot be made any smaller does not fit in memory."""

    def __init__(self, tokens: int) -> None:
        got = f"a pass of {tokens:,} tokens"
        fix = (
            "set --micro-batch-tokens lower, or use --gradient-checkpointing, "
            "--optimizer adafactor or --lora-rank"
        )
        super().__init__("memory", got=got, expected="a pass that fits", fix=fix)
        self.args = (f"A pass of {tokens:,} tokens does not fit in memory; {fix}.",)


def largest_pass(
    examples: Sequence[EncodedExample],
    collator: Collator,
    *,
    count: int,
    fits: Callable[[MicroBatch], bool],
) -> int:
    """Tokens of the largest pass that fits.

    The longest rows that `count` examples might have are tried first, then half of them, and so on.

    Raises:
        PassTooLarge: A single row does not fit.
    """
    rows = rows_of(examples)
    by_length = lengths_of(rows).sum(axis=1).argsort()[::-1]
    rows_per_example = max(len(rows_of([example])) for example in examples)
    longest = by_length[: count * rows_per_example]
    while not fits(trial := collator.tensors([rows[number] for number in longest])):
        if len(longest) == 1:
            raise PassTooLarge(trial.tokens)
        say(f"a pass of {trial.tokens:,} tokens does not fit in memory")
        longest = longest[: len(longest) // 2]
    return trial.tokens


def halved_pass(collator: Collator, step: StepBatch, *, may_halve: bool) -> int:
    """Tokens of half the largest pass of a step that did not fit.

    Raises:
        PassTooLarge: Passes are of single rows, or may not be halved.
    """
    passes = list(collator.passes(step.micro_batches))
    largest = max(sum(batch.tokens for batch in batches) for batches in passes)
    single_rows = len(passes) >= sum(map(len, step.examples))
    if single_rows or not may_halve:
        raise PassTooLarge(largest) from None
    say(f"a pass of {largest:,} tokens does not fit in memory: {largest // 2:,} from here on")
    return largest // 2


def fits_beside(taken: int, one_pass: Callable[[], None], device: torch.device) -> bool:
    """Whether a forward and backward pass fits on a device beside so many bytes of other things.

    Random numbers are drawn afterwards as if there had been none.
    """
    try:
        others = torch.empty(taken, dtype=torch.uint8, device=device)
        with torch.random.fork_rng([device] if device.type != "cpu" else []):
            one_pass()
    except torch.OutOfMemoryError:
        return False
    del others
    return True


def future_state_bytes(model: nn.Module, optimizer: torch.optim.Optimizer, name: str) -> int:
    """Bytes of the optimizer's states, which it makes in its first step; 0 once it has."""
    if optimizer.state:
        return 0
    trained = (p.numel() for p in model.parameters() if p.requires_grad)
    return _STATE_BYTES[name] * sum(trained)
