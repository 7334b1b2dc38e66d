"""How many tokens of a forward and backward pass fit in memory, found by trying."""

from collections.abc import Callable, Sequence

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, EncodedExample, lengths_of, rows_of

STATE_BYTES = {"adamw_torch_fused": 8, "adamw_bnb_8bit": 2, "adafactor": 0}
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
