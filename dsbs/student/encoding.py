"""How pairs become token ids: one sequence a target, cut at the student's limits, with the cuts counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from dsbs.config.recipe import TaskPrefix
from dsbs.core.records import LABEL, Target, TrainPair
from dsbs.student.token_cache import token_ids


@dataclass(frozen=True, slots=True)
class EncodedTarget:
    """One input and one target as token ids, the end token included.

    `number` counts the sequences of a training. `candidates` are all labels that might stand in the target's place, as
    token ids, and `shares` the teacher's probability of each; both are empty where no label distribution is learned.
    `prompt` names the task to the decoder, before the target; it is empty where the input names it.
    """

    task: str
    weight: float
    input_ids: list[int]
    target_ids: list[int]
    number: int = 0
    candidates: tuple[list[int], ...] = ()
    shares: tuple[float, ...] = ()
    prompt: tuple[int, ...] = ()

    @property
    def tokens(self) -> int:
        """What the decoder says: prompt and target."""
        return len(self.prompt) + len(self.target_ids)


@dataclass(frozen=True)
class Encoded:
    """Every example as its sequences, in the order of the pairs, and how many texts were cut."""

    examples: list[list[EncodedTarget]]
    tasks: tuple[str, ...]
    cut_inputs: int
    cut_targets: int

    def longest_target(self, task: str) -> int:
        """Tokens of the longest target of a task, the end token included; 0 where it has none."""
        return max(
            (len(s.target_ids) for example in self.examples for s in example if s.task == task),
            default=0,
        )


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
    """Tokenise every target of every pair, with the prefix of the target's task before the input or before the target.

    `after_label` is what follows a label in its target: the end token if empty.
    """
    flat = [(pair, target) for pair in pairs for target in pair.targets]
    labels = list(dict.fromkeys(label for pair in pairs for label in pair.distribution or ()))
    candidates = dict(zip(labels, label_ids(tokenizer, labels, after=after_label), strict=True))
    before = dict.fromkeys(prefixes, "") if task_prefix == "decoder" else prefixes
    prompts = {
        task: prompt_ids(tokenizer, prefix) if task_prefix == "decoder" else ()
        for task, prefix in prefixes.items()
    }
    inputs = token_ids(tokenizer, [before[target.task] + pair.input for pair, target in flat])
    targets = token_ids(tokenizer, [target.text for _, target in flat], targets=True)
    end = tokenizer.eos_token_id
    limits = max_input_tokens, max_target_tokens
    sequences = iter(
        EncodedTarget(
            *(target.task, target.weight, cut(x, limits[0], end), cut(y, limits[1], end), number),
            *_soft(pair, target, candidates),
            prompts[target.task],
        )
        for number, ((pair, target), x, y) in enumerate(zip(flat, inputs, targets, strict=True))
    )
    return Encoded(
        examples=[[next(sequences) for _ in pair.targets] for pair in pairs],
        tasks=tuple(dict.fromkeys(target.task for _, target in flat)),
        cut_inputs=sum(len(x) > max_input_tokens for x in inputs),
        cut_targets=sum(len(y) > max_target_tokens for y in targets),
    )


def label_ids(
    tokenizer: PreTrainedTokenizerBase, labels: Sequence[str], *, after: str = ""
) -> list[list[int]]:
    """Each label as token ids, with what stands after it; the end token where nothing does."""
    if not labels:
        return []
    found = tokenizer(text_target=[f"{label} {after}".strip() for label in labels]).input_ids
    return [ids[:-1] if after and ids[-1] == tokenizer.eos_token_id else ids for ids in found]


def prompt_ids(tokenizer: PreTrainedTokenizerBase, prefix: str) -> tuple[int, ...]:
    """A task's prefix as the decoder reads it, without an end token."""
    return tuple(tokenizer(text_target=prefix.strip(), add_special_tokens=False).input_ids)


def word_shortener(tokenizer: PreTrainedTokenizerBase, limit: int | None) -> Callable[[str], str]:
    """A function that keeps the first whole words of a text, at most `limit` tokens; all of it where there is no limit."""

    def shorten(text: str) -> str:
        words = text.split()
        while limit is not None and len(words) > 1 and _tokens(tokenizer, " ".join(words)) > limit:
            words = words[: -max(1, (_tokens(tokenizer, " ".join(words)) - limit) // 8)]
        return text if limit is None or len(words) == len(text.split()) else " ".join(words)

    return shorten


def cut(ids: list[int], limit: int, end: int) -> list[int]:
    """At most `limit` ids, the last of them still the end token."""
    return ids if len(ids) <= limit else [*ids[: limit - 1], end]


def _soft(
    pair: TrainPair, target: Target, candidates: Mapping[str, list[int]]
) -> tuple[tuple[list[int], ...], tuple[float, ...]]:
    if pair.distribution is None or target.task != LABEL:
        return (), ()
    return tuple(candidates[label] for label in pair.distribution), tuple(
        pair.distribution.values()
    )


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    return len(tokenizer(text_target=text, add_special_tokens=False).input_ids)
