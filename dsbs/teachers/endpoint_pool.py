"""Servers that answer for one model: which to ask, how many requests at once, when to try again."""

import asyncio
import base64
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

import openai

from dsbs.core.errors import InputError
from dsbs.core.known_secrets import remember
from dsbs.core.redaction import public
from dsbs.teachers.adaptive_concurrency import Gate
from dsbs.teachers.endpoint_errors import (
    MENDABLE,
    BadReply,
    NotJson,
    describe,
    is_permanent,
    overloaded,
    wait_s,
)
from dsbs.teachers.protocol import EngineOptions

T = TypeVar("T")
Ask = Callable[[openai.AsyncOpenAI], Awaitable[T]]

_CONCURRENCY = 64
"""Most requests in flight, where the options name no number."""


class Failed(Exception):
    """A request that got no answer. `permanent`: the same request would fail again."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent


class Servers:
    """Several base URLs of one model.

    The API key comes from DSBS_API_KEY or OPENAI_API_KEY, and is written nowhere. A server whose
    address has a user and a password gets those in its place (HTTP's basic authentication).
    """

    def __init__(self, options: EngineOptions, check: Callable[[], None]) -> None:
        key = _key()
        self._check = check
        endpoint = options.endpoint
        self.model = options.model
        self.clients = [_client(url, key, endpoint.timeout_s) for url in endpoint.base_urls]
        self.gate = Gate(options.concurrency or _CONCURRENCY)
        self._max_attempts = endpoint.max_attempts
        self._in_flight = dict.fromkeys(range(len(self.clients)), 0)

    async def ask(self, ask: Ask[T]) -> T:
        """The result of `ask`, tried at most `max_attempts` times, each time at the idlest server.

        Raises:
            Failed: no attempt succeeded.
            InputError: every other request would fail as well.
        """
        for attempt in range(1, self._max_attempts + 1):
            number = min(self._in_flight, key=self._in_flight.__getitem__)
            started = time.monotonic()
            self._in_flight[number] += 1
            try:
                found = await ask(self.clients[number])
            except MENDABLE as error:
                self.raise_if_hopeless(error)
                if overloaded(error):
                    self.gate.overloaded(started)
                if is_permanent(error) or attempt == self._max_attempts:
                    raise self._failed(error, attempt) from error
                await asyncio.sleep(wait_s(error, attempt, jitter=random.uniform(0.5, 1.5)))
            else:
                self.gate.succeeded(started)
                return found
            finally:
                self._in_flight[number] -= 1
        raise AssertionError("the last attempt returns or raises")

    def raise_if_hopeless(self, error: Exception) -> None:
        """Raise InputError for what no further request can change: a wrong key or model, or a
        server of this run that has ended.
        """
        if isinstance(error, openai.APIConnectionError):
            self._check()
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            raise InputError(
                self.address(),
                got=describe(error),
                expected="a key that the server takes",
                fix="set DSBS_API_KEY to a valid key",
            ) from None
        if isinstance(error, openai.NotFoundError):
            raise InputError(
                self.address(),
                got=describe(error),
                expected=f"model {self.model!r}",
                fix="check --teacher and --api",
            ) from None

    def address(self, number: int = 0) -> str:
        """The address of a server, without credentials."""
        url = self.clients[number].base_url
        port = f":{url.port}" if url.port else ""
        return f"{url.scheme}://{url.host}{port}{url.path}".rstrip("/")

    async def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            await client.close()

    def _failed(self, error: Exception, attempt: int) -> Exception:
        if isinstance(error, NotJson):
            return InputError(
                self.address(),
                got=describe(error),
                expected="JSON of an OpenAI-compatible server",
                fix="check --base-url; a proxy or a log-in page may stand in front of the server",
            )
        tries = "" if attempt == 1 else f" ({attempt} attempts)"
        return Failed(describe(error) + tries, permanent=is_permanent(error))


async def post_json(client: openai.AsyncOpenAI, path: str, body: dict[str, Any]) -> object:
    """The JSON of a reply. Raises BadReply where it is cut off or none.

    The client's `completions.create` would walk through every value by its type, which takes half
    of the time.
    """
    try:
        return await client.post(path, cast_to=object, body=body)
    except ValueError as error:
        raise BadReply(f"broken JSON: {error}") from error


def _key() -> str:
    """The key, which must be able to stand in a header. InputError, without it, where it is not."""
    for name in ("DSBS_API_KEY", "OPENAI_API_KEY"):
        if key := os.environ.get(name, "").strip():
            remember(key)
            if key.isascii() and key.isprintable():
                return key
            got = "characters that stand in no key"
            raise InputError(name, got=got, expected="the key alone", fix="set it again")
    return "none"


def _client(url: str, key: str, timeout_s: float) -> openai.AsyncOpenAI:
    server = _server(url)
    # With aiohttp the client sends twice as many requests per second as by its default, which looks
    # at every connection each time.
    http = openai.DefaultAioHttpClient(timeout=timeout_s)
    return openai.AsyncOpenAI(
        base_url=server.url,
        api_key=key,
        default_headers=server.headers,
        default_query=server.query,
        max_retries=0,
        timeout=timeout_s,
        http_client=http,
    )


class _Server(NamedTuple):
    url: str
    """The address alone."""
    headers: dict[str, str]
    query: dict[str, object]


def _server(url: str) -> _Server:
    """The parts of an address. User and password become a header, as browsers send them."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise InputError(
            "--base-url",
            got=public(url),
            expected="an address such as http://host:8000/v1",
            fix="correct it",
        )
    user, at, place = parts.netloc.rpartition("@")
    headers = {}
    if at:
        name, _, password = user.partition(":")
        pair = f"{unquote(name)}:{unquote(password)}"
        remember(pair)  # and in base64
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    public(url)  # its secrets are known from here on
    query: dict[str, object] = dict(parse_qsl(parts.query, keep_blank_values=True))
    return _Server(urlunsplit((parts.scheme, place, parts.path, "", "")), headers, query)
