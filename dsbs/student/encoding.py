"""How pairs become token ids: one sequence a target, cut at the student's limits, with the cuts counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dsbs.records import TrainPair


@dataclass(frozen=True, slots=True)
class EncodedTarget:
    """One input and one target as token ids, the end token included."""

    task: str
    weight: float
    input_ids: list[int]
    target_ids: list[int]


@dataclass(frozen=True)
class Encoded:
    """Every example as its sequences, in the order of the pairs, and how many texts were cut."""

    examples: list[list[EncodedTarget]]
    tasks: tuple[str, ...]
    cut_inputs: int
    cut_targets: int

    def longest_target(self, task: str) -> int:
        """Tokens of the longest target of a task, the end token included; 0 where it has none."""
        return max((len(s.target_ids) for example in self.examples for s in example if s.task == task), default=0)


def encode_pairs(
    pairs: Sequence[TrainPair],
    tokenizer: PreTrainedTokenizerBase,
    *,
    prefixes: Mapping[str, str],
    max_input_tokens: int,
    max_target_tokens: int,
) -> Encoded:
    """Tokenise every target of every pair, with the input prefix of the target's task."""
    flat = [(pair, target) for pair in pairs for target in pair.targets]
    inputs = tokenizer([prefixes[target.task] + pair.input for pair, target in flat]).input_ids
    targets = tokenizer(text_target=[target.text for _, target in flat]).input_ids
    end = tokenizer.eos_token_id
    sequences = iter(
        EncodedTarget(target.task, target.weight, cut(x, max_input_tokens, end), cut(y, max_target_tokens, end))
        for (_, target), x, y in zip(flat, inputs, targets, strict=True)
    )
    return Encoded(
        examples=[[next(sequences) for _ in pair.targets] for pair in pairs],
        tasks=tuple(dict.fromkeys(target.task for _, target in flat)),
        cut_inputs=sum(len(x) > max_input_tokens for x in inputs),
        cut_targets=sum(len(y) > max_target_tokens for y in targets),
    )


def cut(ids: list[int], limit: int, end: int) -> list[int]:
    """At most `limit` ids, the last of them still the end token."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], end]
