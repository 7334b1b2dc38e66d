"""What a run has used, what that costs, and whether it may go on."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from dsbs.artifacts.results.generate import RunState, Spent
from dsbs.core.progress import Pace, duration
from dsbs.core.records import Completion, Outcome
from dsbs.teachers.protocol import Prompt

_JUDGED_AFTER = 200
"""Answers before the share of bad ones is judged."""

_MEND: Mapping[Outcome, str] = {
    "cut_off": "raise --max-new-tokens ({max_new_tokens:,} now)",
    "no_label": "let the prompt say how to end, or add the teacher's own words before a label to "
    "answer.marker",
    "label_not_allowed": "name the labels in the prompt, e.g. by {{{{ labels }}}} in "
    "prompt.instruction",
    "refused": "word the prompt differently, or take another --teacher",
    "failed": "see the errors of the server below",
}
"""What to change, by what is wrong with most of the answers that cannot be used."""

_CHARS_PER_TOKEN = 3
"""Fewest characters per token to expect, so that a limit is kept."""


@dataclass(frozen=True)
class Limits:
    """Prices, and where to stop. None is no limit."""

    price_in: float = 0.0
    """Money per million prompt tokens."""
    price_out: float = 0.0
    """Money per million generated tokens."""
    price_cached: float | None = None
    """Money per million cached prompt tokens. Default: `price_in`."""
    max_cost: float | None = None
    max_tokens: int | None = None
    max_bad_answers: float | None = None
    """Largest share of answers that cannot be used."""


class _Tokens(NamedTuple):
    """Tokens of one request."""

    prompt: float
    completion: float


@dataclass
class Spending:
    """Counts requests and tokens as answers are committed."""

    limits: Limits = field(default_factory=Limits)
    max_new_tokens: int = 0
    """Most tokens of an answer."""
    total: int | None = None
    """Requests in all."""
    reused: int = 0
    new: int = 0
    failed: int = 0
    judged: int = 0
    """Answers that were looked at to see whether they can be used."""
    faults: Counter[Outcome] = field(default_factory=Counter)
    """The outcomes of those of them that cannot."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    _started: float = field(default_factory=time.monotonic)
    _answered: float = field(default_factory=time.monotonic)
    _pace: Pace = field(default_factory=Pace)

    def add(self, completions: Iterable[Completion], faults: Sequence[Outcome | None] = ()) -> None:
        """Count committed completions.

        Args:
            completions: What was committed.
            faults: Of those that were judged, the outcome of each that cannot be used.
        """
        self.judged += len(faults)
        self.faults.update(fault for fault in faults if fault is not None)
        self._answered = time.monotonic()
        for completion in completions:
            self._pace.add(1)
            if completion.error is None:
                self.new += 1
            else:
                self.failed += 1
            self.prompt_tokens += completion.prompt_tokens or 0
            self.cached_tokens += completion.cached_tokens or 0
            self.completion_tokens += completion.completion_tokens or 0

    @property
    def asked(self) -> int:
        """Requests that this run has sent."""
        return self.new + self.failed

    @property
    def labeling_s(self) -> float:
        """Seconds up to the last committed answer, without the engine's end and the data set."""
        return self._answered - self._started

    @property
    def cost(self) -> float:
        """Money for the tokens so far."""
        prices = self.limits
        cached = self.cached_tokens if prices.price_cached is not None else 0
        read = (self.prompt_tokens - cached) * prices.price_in
        reread = cached * (prices.price_cached or 0.0)
        written = self.completion_tokens * prices.price_out
        return (read + reread + written) / 1e6

    def stop(self, in_flight: int, prompt: Prompt) -> str:
        """Why this request may not be sent now, or "".

        It, and what is in flight, count as if each used the mean of the others; before there are
        any, as if each used as much as it may.
        """
        return self._too_many_bad() or self._too_dear(in_flight + 1, self._expected(prompt))

    def _too_many_bad(self) -> str:
        share = self.limits.max_bad_answers
        bad = self.faults.total()
        if share is None or self.judged < _JUDGED_AFTER or bad <= share * self.judged:
            return ""
        ((fault, count),) = self.faults.most_common(1)
        mend = _MEND[fault].format(max_new_tokens=self.max_new_tokens)
        return (
            f"{bad} of {self.judged} answers cannot be used, more than --max-bad-answers "
            f"{share:g}; the outcome of {count} is {fault}: {mend}. See how they look with "
            "--max-rows 30 --show"
        )

    def _too_dear(self, requests: int, each: _Tokens) -> str:
        """Which limit so many more requests would pass."""
        limits = self.limits
        cost = (each.prompt * limits.price_in + each.completion * limits.price_out) / 1e6
        if limits.max_cost is not None and self.cost + requests * cost > limits.max_cost:
            return f"--max-cost {limits.max_cost:g} is reached"
        used = self.prompt_tokens + self.completion_tokens
        if limits.max_tokens is not None and used + requests * sum(each) > limits.max_tokens:
            return f"--max-tokens {limits.max_tokens:,} is reached"
        return ""

    def _expected(self, prompt: Prompt) -> _Tokens:
        """Tokens of one more request."""
        if self.asked:
            return _Tokens(self.prompt_tokens / self.asked, self.completion_tokens / self.asked)
        chars = len(prompt.text) + sum(len(message["content"]) for message in prompt.messages)
        return _Tokens(chars / _CHARS_PER_TOKEN, float(self.max_new_tokens))

    def spent(self) -> Spent:
        """The counts."""
        return Spent(
            reused=self.reused,
            new=self.new,
            failed=self.failed,
            prompt_tokens=self.prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=self.completion_tokens,
            cost=round(self.cost, 6),
            labeling_s=round(self.labeling_s, 3),
        )

    def state(self) -> RunState:
        """The counts, and how long the run will still take, once that can be known."""
        done = self.reused + self.asked
        left = None if self.total is None else self._pace.seconds_for(self.total - done)
        return RunState(**dict(self.spent()), total=self.total, done=done, seconds_left=left)

    def note(self) -> str:
        """The end of the progress line: failures, rate of tokens, cached share, money."""
        rate = (self.prompt_tokens + self.completion_tokens) / max(self.labeling_s, 1e-9)
        parts = []
        if self.reused:
            parts.append(f"{self.reused:,} reused")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if rate >= 1:
            parts.append(f"{rate:,.0f} tokens/s")
        if self.cached_tokens:
            parts.append(f"{self.cached_tokens / self.prompt_tokens:.0%} of the prompt cached")
        if self.cost:
            parts.append(f"{self.cost:.2f} spent")
        return ", ".join(parts)

    def summary(self) -> str:
        """ "N answers reused, M new, tokens, money, wall time": the last line on the screen."""
        parts = [f"{self.reused:,} answers reused", f"{self.new:,} new"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.prompt_tokens:
            cached = f" ({self.cached_tokens:,} cached)" if self.cached_tokens else ""
            parts.append(f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens{cached}")
        if self.cost:
            parts.append(f"{self.cost:.2f} spent")
        return ", ".join([*parts, duration(self.labeling_s)])
