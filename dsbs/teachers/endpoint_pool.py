"""Servers that answer for one model: which to ask, how many requests at once, and when to try again."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import openai

from dsbs.core.errors import InputError
from dsbs.teachers.adaptive_concurrency import Gate

T = TypeVar("T")
Ask = Callable[[openai.AsyncOpenAI], Awaitable[T]]

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_OVERLOADED = {429, 502, 503, 504, 529}
_PASSING = {408, 409, 425, 429}
_MENDABLE = (openai.OpenAIError, ValueError, KeyError, TypeError, AttributeError)
"""What a request can end in: an error of the server or the line, or an answer that is broken or lacks something."""


class Failed(Exception):
    """A request that got no answer. `permanent`: the same request would fail again."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason, self.permanent = reason, permanent


class Servers:
    """Several base URLs of one model. The API key comes from DSBS_API_KEY or OPENAI_API_KEY and is written nowhere."""

    def __init__(
        self,
        model: str,
        base_urls: Sequence[str],
        *,
        concurrency: int,
        timeout_s: float,
        max_attempts: int,
    ) -> None:
        key = os.environ.get("DSBS_API_KEY") or os.environ.get("OPENAI_API_KEY") or "none"
        self.model, self._max_attempts = model, max_attempts
        self.clients = [_client(url, key, timeout_s) for url in base_urls]
        self.gate = Gate(concurrency)
        self._in_flight = dict.fromkeys(range(len(base_urls)), 0)

    async def ask(self, ask: Ask[T]) -> T:
        """What a server answers, tried at most `max_attempts` times, each time at the one with the least to do.

        Raises Failed, or InputError where every other request would fail as well.
        """
        for attempt in range(1, self._max_attempts + 1):
            number, started = (
                min(self._in_flight, key=self._in_flight.__getitem__),
                time.monotonic(),
            )
            self._in_flight[number] += 1
            try:
                found = await ask(self.clients[number])
            except _MENDABLE as error:
                self.raise_if_hopeless(error)
                if getattr(error, "status_code", None) in _OVERLOADED or _timed_out(error):
                    self.gate.overloaded(started)
                if _is_permanent(error) or attempt == self._max_attempts:
                    tries = "" if attempt == 1 else f" ({attempt} attempts)"
                    raise Failed(told(error) + tries, permanent=_is_permanent(error)) from None
                await asyncio.sleep(_wait_s(error, attempt))
            else:
                self.gate.succeeded(started)
                return found
            finally:
                self._in_flight[number] -= 1
        raise AssertionError("the last attempt returns or raises")

    def raise_if_hopeless(self, error: Exception) -> None:
        """InputError for what no further request can change: a wrong key, a model that is not there."""
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            fix = "set DSBS_API_KEY to a valid key"
            raise InputError(
                self.address(), got=told(error), expected="a key that the server takes", fix=fix
            ) from None
        if isinstance(error, openai.NotFoundError):
            fix = "check --model and --api"
            raise InputError(
                self.address(), got=told(error), expected=f"model {self.model!r}", fix=fix
            ) from None

    def address(self, number: int = 0) -> str:
        """A server's address, credentials left out."""
        url = self.clients[number].base_url
        return f"{url.scheme}://{url.host}{f':{url.port}' if url.port else ''}{url.path}".rstrip(
            "/"
        )

    async def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            await client.close()


def _client(url: str, key: str, timeout_s: float) -> openai.AsyncOpenAI:
    # By aiohttp the client sends twice as many requests a second as by its default, which looks at every connection each time.
    http = openai.DefaultAioHttpClient(timeout=timeout_s)
    return openai.AsyncOpenAI(
        base_url=url, api_key=key, max_retries=0, timeout=timeout_s, http_client=http
    )


def told(error: Exception) -> str:
    """One line of what went wrong."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, openai.APIConnectionError) and not _timed_out(error):
        text = f"APIConnectionError: {_causes(error)[-1]}"
    return " ".join(text.split())[:300]


def _timed_out(error: BaseException) -> bool:
    """The client calls every broken connection a timeout; one that is has a timeout among its causes."""
    return isinstance(error, openai.APITimeoutError) and any(
        isinstance(cause, TimeoutError) for cause in _causes(error)
    )


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and what it was raised from, down to the first."""
    return [error, *_causes(error.__cause__)] if error.__cause__ else [error]


def _is_permanent(error: Exception) -> bool:
    status = getattr(error, "status_code", None)
    return status is not None and 400 <= status < 500 and status not in _PASSING


def _wait_s(error: Exception, attempt: int) -> float:
    """What Retry-After says, else exponential back-off with jitter."""
    headers: Any = getattr(getattr(error, "response", None), "headers", {})
    try:
        return min(float(headers["retry-after"]), 10 * _LONGEST_WAIT_S)
    except (KeyError, ValueError):
        return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)
