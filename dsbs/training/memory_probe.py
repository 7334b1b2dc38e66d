"""How many tokens of a forward and backward pass fit into memory, found by trying."""

from collections.abc import Callable, Sequence

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.student.encoding import EncodedTarget
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, lengths_of, rows_of

STATE_BYTES = {"adamw_torch_fused": 8, "adamw_bnb_8bit": 2, "adafactor": 0}
"""What an optimiser of transformers keeps of every parameter. Adafactor's row and column of a matrix are next to nothing."""


def largest_pass(
    examples: Sequence[Sequence[EncodedTarget]],
    collator: Collator,
    *,
    count: int,
    fits: Callable[[MicroBatch], bool],
) -> int:
    """Tokens of the largest pass that fits: over the longest sequences that `count` examples might have, or half of them, and
    so on. InputError where a single one does not fit.
    """
    rows = rows_of(examples)
    by_length = lengths_of(rows).sum(axis=1).argsort()[::-1]
    longest = by_length[: count * max(len(rows_of([example])) for example in examples)]
    while not fits(trial := collator.tensors([rows[number] for number in longest])):
        if len(longest) == 1:
            raise too_little(trial.tokens)
        say(f"{trial.tokens:,} tokens a forward pass do not fit into memory")
        longest = longest[: len(longest) // 2]
    return trial.tokens


def too_little(tokens: int) -> InputError:
    """What to do where not even so many tokens fit."""
    fix = (
        "give --micro-batch-tokens, --gradient-checkpointing, --optimiser adafactor or --lora-rank"
    )
    return InputError("memory", got=f"too little for {tokens:,} tokens", expected="enough", fix=fix)
