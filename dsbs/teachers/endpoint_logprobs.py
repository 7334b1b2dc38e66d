"""Reads the alternatives that a chat server gives for each token of an answer."""

import math
from typing import Any

from dsbs.core.records import AnswerToken


def read_tokens(logprobs: Any) -> tuple[AnswerToken, ...]:
    """The tokens of a choice's `logprobs`, in OpenAI's form; () where there are none.

    A reply whose form is another one has no tokens either: what is not stated is not guessed.
    """
    listed = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(listed, list):
        return ()
    found = [_token(one) for one in listed]
    tokens = [token for token in found if token is not None]
    return tuple(tokens) if len(tokens) == len(found) else ()


def _token(stated: Any) -> AnswerToken | None:
    """A token with its alternatives, itself among them; None for what is no such token."""
    if not isinstance(stated, dict) or (text := _text(stated)) is None:
        return None
    others = stated.get("top_logprobs")
    found: dict[bytes, float] = {}
    for one in [*(others if isinstance(others, list) else ()), stated]:
        other = _text(one) if isinstance(one, dict) else None
        value = one.get("logprob") if isinstance(one, dict) else None
        if other is not None and isinstance(value, int | float) and math.isfinite(value):
            found[other] = max(float(value), found.get(other, -math.inf))
    return AnswerToken(text, found) if isinstance(others, list) and others else None


def _text(stated: dict[str, Any]) -> bytes | None:
    """A token as bytes, which servers give beside its text where it may be part of a character."""
    given = stated.get("bytes")
    if isinstance(given, list) and all(isinstance(b, int) and 0 <= b < 256 for b in given):
        return bytes(given)
    token = stated.get("token")
    return token.encode(errors="replace") if isinstance(token, str) else None
