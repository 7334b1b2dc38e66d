"""Tokens of a teacher's requests, measured on a sample, and what they cost."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from dsbs.tasks.prompts import demonstrations, render_answer
from dsbs.tasks.task import Task

CHARS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English."""

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
        task: Its demonstrations show how long answers are. prompts: Whole prompts, as texts. count:
        Counts tokens; `estimate_tokens` where there is no tokenizer. shared: The beginning that all
        prompts have in common, such as `tasks.prompts.prompt_prefix`.
    """
    (beginning,) = count([shared])
    shown = demonstrations(task)
    answers = count([render_answer(task, *demonstration) for demonstration in shown])
    # Whole prompts are counted, because a tokenizer may join what stands at the seam.
    return RequestTokens(beginning, fmean(count(prompts)) - beginning, fmean(answers))


def estimate_tokens(texts: Sequence[str]) -> list[int]:
    """Tokens of each text by OpenAI's rule of thumb for English: one for four characters."""
    return [len(text) // CHARS_PER_TOKEN for text in texts]
