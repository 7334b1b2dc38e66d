"""What a run would use before it uses it: prompts to look at, tokens, time and money."""

from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import fmean
from typing import Any

from dsbs.artifacts.answer_store import AnswerStore
from dsbs.core.iteration import batched
from dsbs.core.progress import duration
from dsbs.core.records import Example
from dsbs.core.tables import table
from dsbs.labeling.budget import Limits
from dsbs.labeling.requests import Asker
from dsbs.tasks.prompts import demonstrations, render_answer
from dsbs.tasks.task import Task
from dsbs.teachers.protocol import Prompt, Teacher

_SHOWN, _COUNTED, _CHARS_A_TOKEN = 3, 200, 4
"""Prompts to show; prompts whose tokens are counted; and the rule of thumb where no tokenizer can be asked."""


CountTokens = Callable[[Sequence[str]], list[int]]
"""Gives the number of tokens of each text."""


@dataclass(frozen=True)
class TotalTokens:
    """Tokens that a teacher reads and writes."""

    prompt_tokens: float
    """With those that a prefix cache holds."""
    cached_tokens: float
    """Prompt tokens that a prefix cache holds."""
    completion_tokens: float

    def money(
        self, *, price_in: float, price_out: float, price_cached: float | None = None
    ) -> float:
        """What they cost, at prices per million tokens. Default of `price_cached`: `price_in`."""
        cached = price_in if price_cached is None else price_cached
        fresh = self.prompt_tokens - self.cached_tokens
        paid = fresh * price_in + self.cached_tokens * cached + self.completion_tokens * price_out
        return paid / 1e6


@dataclass(frozen=True)
class RequestTokens:
    """Tokens of one request, averaged over a sample."""

    shared: float
    """The beginning that all prompts have in common."""
    question: float
    """The rest of a prompt."""
    answer: float
    """As long as the answers of the demonstrations."""

    @property
    def prompt(self) -> float:
        """The whole prompt."""
        return self.shared + self.question

    def total(self, requests: int) -> TotalTokens:
        """Tokens of so many requests. The shared beginning is read once and cached from then on."""
        return TotalTokens(
            prompt_tokens=requests * self.prompt,
            cached_tokens=max(requests - 1, 0) * self.shared,
            completion_tokens=requests * self.answer,
        )


def tokens_per_request(
    task: Task, prompts: Sequence[str], count: CountTokens, *, shared: str
) -> RequestTokens:
    """Measure a request of a task on a sample of its prompts.

    Args:
        task: Its demonstrations show how long answers are.
        prompts: Whole prompts, as texts.
        count: Counts tokens; `estimate_tokens` where there is no tokenizer.
        shared: The beginning that all prompts have in common, such as `tasks.prompts.prompt_prefix`.
    """
    (beginning,) = count([shared])
    shown = demonstrations(task)
    answers = count([render_answer(task, *demonstration) for demonstration in shown])
    # Whole prompts are counted, because a tokenizer may join what stands at the seam.
    return RequestTokens(beginning, fmean(count(prompts)) - beginning, fmean(answers))


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text by OpenAI's rule of thumb for English: one for four characters."""
    return [len(text) // _CHARS_A_TOKEN for text in texts]


def plan_labelling(
    task: Task,
    examples: Collection[Example],
    asker: Asker,
    teacher: Teacher,
    store: AnswerStore,
    *,
    samples: int,
    limits: Limits,
    tokens_per_second: float | None,
    scores_per_row: int = 0,
) -> dict[str, Any]:
    """The plan as plain values; `show_plan` makes a text of it. Answers that the store has are not counted again."""
    missing, texts = _missing(examples, asker, store, samples)
    said = [
        render_answer(task, shown, rationale, label)
        for shown, rationale, label in demonstrations(task)
    ]
    prompt_tokens, exact = _count(teacher, texts)
    answer_tokens, _ = _count(teacher, said)
    mean_prompt, mean_answer = sum(prompt_tokens) / len(texts), sum(answer_tokens) / len(said)
    scored = scores_per_row * len(examples) * mean_prompt
    tokens_in, tokens_out = missing * mean_prompt + scored, missing * mean_answer
    cost = (tokens_in * limits.price_in + tokens_out * limits.price_out) / 1e6
    return {
        "rows": len(examples),
        "requests": missing,
        "reused": len(examples) * samples - missing,
        "prompt_tokens_each": round(mean_prompt, 1),
        "answer_tokens_each": round(mean_answer, 1),
        "prompt_tokens": round(tokens_in),
        "completion_tokens": round(tokens_out),
        "score_tokens": round(scored),
        "tokens_exact": exact,
        "cost": round(cost, 2) if limits.price_in or limits.price_out else None,
        "seconds": round((tokens_in + tokens_out) / tokens_per_second)
        if tokens_per_second
        else None,
        "prompts": [_plain(asker.prompt(example)) for example in islice(examples, _SHOWN)],
    }


def show_plan(plan: dict[str, Any]) -> str:
    """The prompts in full, then the numbers."""
    shown = [f"--- prompt {number}\n{prompt}" for number, prompt in enumerate(plan["prompts"], 1)]
    how = (
        "counted by the teacher's tokenizer"
        if plan["tokens_exact"]
        else f"estimated at {_CHARS_A_TOKEN} characters a token"
    )
    seconds, cost = plan["seconds"], plan["cost"]
    rows = [
        ["rows", f"{plan['rows']:,}"],
        ["answers in the store already", f"{plan['reused']:,}"],
        ["requests to send", f"{plan['requests']:,}"],
        ["tokens of a prompt", f"{plan['prompt_tokens_each']:,} ({how})"],
        ["tokens of an answer", f"{plan['answer_tokens_each']:,} (as in the demonstrations)"],
        ["prompt tokens in all", f"{plan['prompt_tokens']:,}" + _scored(plan)],
        ["generated tokens in all", f"{plan['completion_tokens']:,}"],
        [
            "time",
            duration(seconds)
            if seconds is not None
            else "label some rows first (--max-rows 30), or --tokens-per-second",
        ],
        ["money", f"{cost:,.2f}" if cost is not None else "give --price-in and --price-out"],
    ]
    return "\n".join([*shown, table(["what", "how much"], rows)])


def _scored(plan: dict[str, Any]) -> str:
    return (
        f", {plan['score_tokens']:,} of them to score labels, outside the prefix cache"
        if plan["score_tokens"]
        else ""
    )


def _missing(
    examples: Collection[Example], asker: Asker, store: AnswerStore, samples: int
) -> tuple[int, list[str]]:
    """Requests that the store has no answer to (alike ones count once), and some prompts from all parts of the rows.

    Of each missing request 8 bytes of its key are kept, 24 for a moment at the end.
    """
    import numpy as np

    missing, texts, step = array("Q"), list[str](), max(1, len(examples) // _COUNTED)
    for batch in batched(enumerate(examples), 512):
        prompts = [
            asker.prompt(example, sample) for _, example in batch for sample in range(samples)
        ]
        finished = store.finished([prompt.id for prompt in prompts])
        missing.extend(int(prompt.id[:16], 16) for prompt in prompts if prompt.id not in finished)
        texts += [
            _plain(prompt)
            for (at, _), prompt in zip(batch, prompts[::samples], strict=True)
            if at % step == 0
        ]
    return len(np.unique(missing)), texts[:_COUNTED]


def _plain(prompt: Prompt) -> str:
    """The prompt as one text, for people and for counting."""
    return prompt.text or "\n\n".join(
        f"[{message['role']}]\n{message['content']}" for message in prompt.messages
    )


def _count(teacher: Teacher, texts: list[str]) -> tuple[list[int], bool]:
    counted = teacher.count_tokens(texts)
    return (
        (counted, True)
        if counted is not None
        else ([len(text) // _CHARS_A_TOKEN for text in texts], False)
    )
