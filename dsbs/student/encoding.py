"""How training pairs become token ids: one sequence per target, cut at the student's limits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dsbs.config.student_options import TaskPrefix
from dsbs.core.records import LABEL, TrainPair
from dsbs.student.row_batches import cut
from dsbs.student.token_cache import token_ids


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

    @property
    def decoder_tokens(self) -> int:
        """Tokens of prompt and target."""
        return len(self.prompt) + len(self.target_ids)


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
    tokenizer: PreTrainedTokenizerBase,
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
        tokenizer: The student's.
        prefixes: The prefix of every task.
        max_input_tokens: Longer inputs are cut.
        max_target_tokens: Longer targets are cut.
        after_label: What follows a label in its target. Empty: the end token.
        task_prefix: Whether the prefix stands before the input or before the target.
    """
    flat = [(pair, target) for pair in pairs for target in pair.targets]
    labels = list(dict.fromkeys(label for pair in pairs for label in pair.distribution or ()))
    candidates = dict(zip(labels, label_ids(tokenizer, labels, after=after_label), strict=True))
    prompts: dict[str, tuple[int, ...]] = dict.fromkeys(prefixes, ())
    before_input = prefixes
    if task_prefix == "decoder":
        prompts = {task: prompt_ids(tokenizer, prefix) for task, prefix in prefixes.items()}
        before_input = dict.fromkeys(prefixes, "")
    inputs = token_ids(tokenizer, [before_input[t.task] + pair.input for pair, t in flat])
    targets = token_ids(tokenizer, [target.text for _, target in flat], targets=True)
    end = tokenizer.eos_token_id
    sequences = []
    for number, ((pair, target), x, y) in enumerate(zip(flat, inputs, targets, strict=True)):
        soft = pair.distribution if target.task == LABEL and pair.distribution else {}
        sequences.append(
            EncodedTarget(
                task=target.task,
                weight=target.weight,
                input_ids=cut(x, max_input_tokens, end),
                target_ids=cut(y, max_target_tokens, end),
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


def label_ids(
    tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], *, after: str = ""
) -> list[list[int]]:
    """Each label as token ids with what follows it: the text `after`, or else the end token."""
    if not labels:
        return []
    rows = tokenizer(text_target=[f"{label} {after}".strip() for label in labels]).input_ids
    end = tokenizer.eos_token_id
    return [ids[:-1] if after and ids[-1] == end else ids for ids in rows]


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prefix: str) -> tuple[int, ...]:
    """A task's prefix as the decoder reads it, without an end token."""
    return tuple(tokenizer(text_target=prefix.strip(), add_special_tokens=False).input_ids)


def word_shortener(tokenizer: PreTrainedTokenizerBase, limit: int | None) -> Callable[[str], str]:
    """A function that keeps the first whole words of a text, at most `limit` tokens of them."""

    def count(words: Sequence[str]) -> int:
        return len(tokenizer(text_target=" ".join(words), add_special_tokens=False).input_ids)

    def shorten(text: str) -> str:
        if limit is None:
            return text
        words = text.split()
        kept = words
        while len(kept) > 1 and (tokens := count(kept)) > limit:
            # A word rarely has more than 8 tokens, so this never drops too many words.
            kept = kept[: -max(1, (tokens - limit) // 8)]
        return text if len(kept) == len(words) else " ".join(kept)

    return shorten
