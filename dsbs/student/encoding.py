"""How training pairs become token ids: one sequence per target, cut at the student's limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.records import LABEL, TrainPair
from dsbs.student.codec import Codec
from dsbs.student.row_batches import cut, shortened


@dataclass(frozen=True, slots=True)
class EncodedTarget:
    """One input and one target as token ids, the end token included."""

    task: str
    weight: float
    input_ids: list[int]
    target_ids: list[int]
    number: int = 0
    """Its number in the whole training set."""
    candidates: tuple[list[int], ...] = ()
    """All labels that might stand in the target's place. Empty: no distribution is learned."""
    probabilities: tuple[float, ...] = ()
    """The teacher's probability of each candidate."""
    prompt: tuple[int, ...] = ()
    """The task's prefix, where the decoder reads it before the target."""
    options: tuple[list[int], ...] = ()
    """The input with each option, where one of them is chosen by its score."""

    @property
    def decoder_tokens(self) -> int:
        """Tokens of prompt and target."""
        return len(self.prompt) + len(self.target_ids)

    @property
    def input_tokens(self) -> int:
        """Tokens of the input, or of all options."""
        return len(self.input_ids) + sum(map(len, self.options))


@dataclass(frozen=True)
class Encoded:
    """A training set as token ids."""

    examples: list[list[EncodedTarget]]
    """The sequences of every example, in the order of the pairs."""
    tasks: tuple[str, ...]
    cut_inputs: int
    """Inputs longer than the limit."""
    cut_targets: int


def encode_pairs(
    pairs: Sequence[TrainPair],
    codec: Codec,
    *,
    prefixes: Mapping[str, str],
    max_input_tokens: int,
    max_target_tokens: int,
    after_label: str = "",
    task_prefix: TaskPrefix = "encoder",
) -> Encoded:
    """Tokenize every target of every pair.

    Args:
        pairs: The training pairs.
        codec: The student's.
        prefixes: The prefix of every task.
        max_input_tokens: Longer inputs are cut.
        max_target_tokens: Longer targets are cut.
        after_label: What follows a label in its target. Empty: the end token.
        task_prefix: Whether the prefix stands before the input or before the target.
    """
    flat = [(pair, target) for pair in pairs for target in pair.targets]
    labels = list(dict.fromkeys(label for pair in pairs for label in pair.distribution or ()))
    candidates = dict(zip(labels, codec.labels(labels, after=after_label), strict=True))
    prompts: dict[str, tuple[int, ...]] = dict.fromkeys(prefixes, ())
    before_input = prefixes
    if task_prefix == "decoder":
        prompts = {task: codec.prompt(prefix) for task, prefix in prefixes.items()}
        before_input = dict.fromkeys(prefixes, "")
    inputs = codec.inputs([before_input[t.task] + pair.input for pair, t in flat])
    targets = codec.targets([target.text for _, target in flat])
    sequences = []
    for number, ((pair, target), x, y) in enumerate(zip(flat, inputs, targets, strict=True)):
        soft = pair.distribution if target.task == LABEL and pair.distribution else {}
        sequences.append(
            EncodedTarget(
                task=target.task,
                weight=target.weight,
                input_ids=codec.cut_input(x, max_input_tokens),
                target_ids=cut(y, max_target_tokens, codec.end),
                number=number,
                candidates=tuple(candidates[label] for label in soft),
                probabilities=tuple(soft.values()),
                prompt=prompts[target.task],
            )
        )
    remaining = iter(sequences)
    return Encoded(
        examples=[[next(remaining) for _ in pair.targets] for pair in pairs],
        tasks=tuple(dict.fromkeys(target.task for _, target in flat)),
        cut_inputs=sum(len(x) > max_input_tokens for x in inputs),
        cut_targets=sum(len(y) > max_target_tokens for y in targets),
    )


def word_shortener(tokenizer: PreTrainedTokenizerBase, limit: int | None) -> Callable[[str], str]:
    """A function that keeps the first whole words of a text, at most `limit` tokens of them."""
    return lambda text: shortened(text, limit, lambda part: bare_tokens(tokenizer, part))


def bare_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    """Tokens of a part of a target."""
    return len(tokenizer(text_target=text, add_special_tokens=False).input_ids)
