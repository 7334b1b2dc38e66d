"""What is wrong with a request to a server: in words, and what to do about it."""

import re
from typing import Any

import openai

from dsbs.core.known_secrets import printable
from dsbs.core.redaction import public
from dsbs.data.values import whole_text

_OVERLOADED = {429, 502, 503, 504, 529}
_PASSING = {408, 409, 425, 429}
"""Errors of the 4xx kind after which the same request may succeed."""

_SHOWN_CHARS = 300
_READ_CHARS = 10_000
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0

_REFUSED = re.compile(
    r"unsupported|not support|unrecognized|unrecognised|unknown|unexpected|not permitted"
    r"|not allowed"
    r"|extra (?:inputs|fields)|deprecated|only the default|use '?max_",
    re.IGNORECASE,
)
_SYSTEM = re.compile(
    r"system\W*(?:role|message|prompt)|roles?\b[^.]*\bsystem\b|roles must alternate", re.IGNORECASE
)
_TOO_LONG = re.compile(r"context (?:length|window)|too (?:large|long|many tokens)", re.IGNORECASE)


class BadReply(Exception):
    """A server's reply that holds no answer.

    `status_code` is the status that the reply itself states, where it is an error that was sent as
    if it were an answer.
    """

    def __init__(self, reason: str, status_code: int | None = None) -> None:
        super().__init__(reason)
        self.status_code = status_code


class NotJson(BadReply):
    """HTML or other text in place of JSON: what answers is no model's server."""


class TooFewChoices(BadReply):
    """Fewer answers than prompts: the server reads only one prompt of a list."""


MENDABLE = (openai.OpenAIError, BadReply)
"""What a request can end in: an error of the server or the connection, or a reply without answer.
"""


def describe(error: Exception) -> str:
    """One line: the server's own message where there is one."""
    if isinstance(error, openai.APIStatusError):
        text = f"HTTP {error.status_code}: {server_message(error)}"
    elif timed_out(error):
        text = "no answer within --request-timeout"
    elif isinstance(error, openai.APIConnectionError):
        text = f"no connection: {_causes(error)[-1] or type(_causes(error)[-1]).__name__}"
    else:
        text = str(error) or type(error).__name__
    return printable(public(" ".join(whole_text(text[:_READ_CHARS]).split())))[:_SHOWN_CHARS]


def server_message(error: openai.APIStatusError) -> str:
    """`error.message` of the reply, or the first characters of its body."""
    return message_of(error.body) or error.response.text.strip() or "no message"


def message_of(body: object) -> str:
    """The message of an error object in any form that servers use; "" for none."""
    if isinstance(body, str):
        return body
    if isinstance(body, list) and body:
        return message_of(body[0])
    if not isinstance(body, dict):
        return ""
    for key in ("message", "error", "detail", "msg", "errors"):
        if message := message_of(body.get(key)):
            return message
    return ""


def refused_setting(error: Exception, sent: set[str]) -> str | None:
    """The field of the request that the server or the model does not take; None for other errors.

    Args:
        error: What the request ended in.
        sent: Names of the fields that may be omitted or named differently.
    """
    if getattr(error, "status_code", None) not in (400, 422):
        return None
    stated = getattr(error, "param", None)
    message = describe(error)
    if _TOO_LONG.search(message) or not (stated in sent or _REFUSED.search(message)):
        return None
    if stated in sent:
        return str(stated)
    named = (re.search(rf"\b{name}\b", message) for name in sent)
    first = min(filter(None, named), key=lambda found: found.start(), default=None)
    return first[0] if first else None


def refuses_system(error: Exception) -> bool:
    """Whether a server's error says that the model's chat template takes no system message."""
    status = getattr(error, "status_code", None)
    return status in (400, 422, 500) and bool(_SYSTEM.search(describe(error)))


def stated_default(reason: str) -> float | None:
    """The only value that a model takes for a setting, if the error states it."""
    found = re.search(r"default \((\d+(?:\.\d+)?)\)", reason)
    return float(found[1]) if found else None


def timed_out(error: BaseException) -> bool:
    """Whether a request took too long. To the client, a broken connection is a timeout too."""
    return isinstance(error, openai.APITimeoutError) and any(
        isinstance(cause, TimeoutError) for cause in _causes(error)
    )


def overloaded(error: Exception) -> bool:
    """Whether the server has too much to do."""
    return getattr(error, "status_code", None) in _OVERLOADED or timed_out(error)


def is_permanent(error: Exception) -> bool:
    """Whether the same request would fail again."""
    if isinstance(error, TooFewChoices):
        return True
    status = getattr(error, "status_code", None)
    return status is not None and 400 <= status < 500 and status not in _PASSING


def wait_s(error: Exception, attempt: int, jitter: float) -> float:
    """Seconds before the next attempt: what Retry-After says, else an exponential back-off.

    Args:
        error: What the attempt ended in.
        attempt: Number of the attempt, from 1.
        jitter: A random factor around 1, so that requests that failed together come back apart.
    """
    headers: Any = getattr(getattr(error, "response", None), "headers", {})
    try:
        return min(float(headers["retry-after"]), 10 * _LONGEST_WAIT_S)
    except (KeyError, ValueError):
        backed_off: float = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** (attempt - 1))
        return backed_off * jitter


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and what it was raised from, down to the first."""
    return [error, *_causes(error.__cause__)] if error.__cause__ else [error]
