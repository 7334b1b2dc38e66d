"""What a run has used, what that costs, and whether it may go on."""

import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dsbs.core.progress import duration
from dsbs.core.records import Completion
from dsbs.teachers.protocol import Prompt

_BAD_AFTER = 50
"""Answers before the share of bad ones says anything."""


@dataclass(frozen=True)
class Limits:
    """Where to stop: money, tokens, and the share of answers that cannot be used. None is no limit.

    Prices are money for a million tokens; `price_cached` is that of prompt tokens served from a cache.
    """

    price_in: float = 0.0
    price_out: float = 0.0
    price_cached: float | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    max_bad_answers: float | None = None


@dataclass
class Spending:
    """Counts requests and tokens as answers are committed."""

    limits: Limits = Limits()
    max_new_tokens: int = 0
    total: int | None = None
    reused: int = 0
    new: int = 0
    failed: int = 0
    bad: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    _started: float = field(default_factory=time.monotonic)
    _answered: float = field(default_factory=time.monotonic)

    def add(self, completions: Iterable[Completion], bad: int = 0) -> None:
        """Count committed completions, `bad` of which cannot be used."""
        self.bad, self._answered = self.bad + bad, time.monotonic()
        for completion in completions:
            failed = completion.error is not None
            self.failed, self.new = self.failed + failed, self.new + (not failed)
            self.prompt_tokens += completion.prompt_tokens or 0
            self.cached_tokens += completion.cached_tokens or 0
            self.completion_tokens += completion.completion_tokens or 0

    @property
    def labeling_s(self) -> float:
        """Seconds up to the last committed answer: neither the engine's start or end nor the data set is counted."""
        return self._answered - self._started

    @property
    def cost(self) -> float:
        """Money for the tokens so far."""
        cached = self.cached_tokens if self.limits.price_cached is not None else 0
        paid = (
            self.prompt_tokens - cached
        ) * self.limits.price_in + self.completion_tokens * self.limits.price_out
        return (paid + cached * (self.limits.price_cached or 0.0)) / 1e6

    def stop(self, in_flight: int, prompt: Prompt) -> str:
        """Why this request may not be sent now, or "".

        It and what is in flight count as if they used what the others did on average; before anything is known, as if they
        used as much as they may.
        """
        limits, asked = self.limits, self.new + self.failed
        if (
            limits.max_bad_answers is not None
            and asked >= _BAD_AFTER
            and self.bad > limits.max_bad_answers * asked
        ):
            return f"{self.bad} of {asked} answers cannot be used, more than --max-bad-answers {limits.max_bad_answers:g}"
        if limits.max_cost is None and limits.max_tokens is None:
            return ""
        said = (
            (self.prompt_tokens / asked, self.completion_tokens / asked)
            if asked
            else self._feared(prompt)
        )
        tokens, cost = sum(said), (said[0] * limits.price_in + said[1] * limits.price_out) / 1e6
        if limits.max_cost is not None and self.cost + (in_flight + 1) * cost > limits.max_cost:
            return f"--max-cost {limits.max_cost:g} is reached"
        used = self.prompt_tokens + self.completion_tokens
        if limits.max_tokens is not None and used + (in_flight + 1) * tokens > limits.max_tokens:
            return f"--max-tokens {limits.max_tokens:,} is reached"
        return ""

    def _feared(self, prompt: Prompt) -> tuple[float, float]:
        """Tokens of a request at most: three characters a token, and an answer of full length."""
        chars = len(prompt.text) + sum(len(message["content"]) for message in prompt.messages)
        return chars / 3, float(self.max_new_tokens)

    def note(self) -> str:
        """The end of the progress line: failures, rate of tokens, cached share, money."""
        rate = (self.prompt_tokens + self.completion_tokens) / max(self.labeling_s, 1e-9)
        parts = [f"{self.reused:,} reused"] if self.reused else []
        parts += [f"{self.failed:,} failed"] if self.failed else []
        parts += [f"{rate:,.0f} tokens/s"] if rate >= 1 else []
        parts += (
            [f"{self.cached_tokens / self.prompt_tokens:.0%} of the prompt cached"]
            if self.cached_tokens
            else []
        )
        return ", ".join([*parts, f"{self.cost:.2f} spent"] if self.cost else parts)

    def results(self) -> dict[str, Any]:
        """The counts as plain JSON values, for the manifest."""
        names = ("reused", "new", "failed", "prompt_tokens", "cached_tokens", "completion_tokens")
        found = {name: getattr(self, name) for name in names}
        return found | {"cost": round(self.cost, 6), "labeling_s": round(self.labeling_s, 3)}

    def write(self, path: Path) -> None:
        """The state as one JSON object, for other programs; replaced as a whole."""
        asked = self.new + self.failed
        left = (
            (self.total - self.reused - asked) * self.labeling_s / asked
            if self.total is not None and asked
            else None
        )
        state = {
            **self.results(),
            "total": self.total,
            "done": self.reused + asked,
            "seconds_left": left,
        }
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.write_text(json.dumps(state))
        partial.replace(path)

    def summary(self) -> str:
        """ "N answers reused, M new, tokens, money, wall time": the last line on the screen."""
        parts = [f"{self.reused:,} answers reused", f"{self.new:,} new"]
        parts += [f"{self.failed:,} failed"] if self.failed else []
        tokens = f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens"
        parts += (
            [tokens + (f" ({self.cached_tokens:,} cached)" if self.cached_tokens else "")]
            if self.prompt_tokens
            else []
        )
        parts += [f"{self.cost:.2f} spent"] if self.cost else []
        return ", ".join([*parts, duration(self.labeling_s)])
