"""Reads the replies of OpenAI-compatible servers. Only the text of an answer is needed.

A key that a server repeats is hidden.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from dsbs.core.known_secrets import without_secrets
from dsbs.core.records import Completion
from dsbs.data.values import whole_text
from dsbs.teachers.endpoint_errors import BadReply, NotJson, TooFewChoices, message_of
from dsbs.teachers.endpoint_logprobs import read_tokens
from dsbs.teachers.finish_reasons import finish_reason
from dsbs.teachers.protocol import Prompt

_SHOWN_CHARS = 80

_MOST_TOKENS = 1 << 53
"""No count is as large; neither is a number that is none."""

_TRACE_FIELDS = ("reasoning_content", "reasoning", "thinking")
"""Where servers put the reasoning trace of a message."""


def read_texts(reply: object, prompts: Sequence[Prompt]) -> list[Completion]:
    """The completions of a /completions reply, in the order of the prompts.

    Raises:
        TooFewChoices: there are fewer answers than prompts.
        BadReply: there is no answer in it.
    """
    choices = _choices(reply)
    if len(choices) != len(prompts):
        raise TooFewChoices(f"{len(choices)} answers to {len(prompts)} prompts")
    usage = _usage(reply)
    return [
        Completion(
            prompt.id,
            without_secrets(_without_echo(whole_text(_text(choice.get("text"))), prompt.text)),
            _finish_reason(choice),
            *usage.share(len(prompts), at),
        )
        for at, (prompt, choice) in enumerate(zip(prompts, choices, strict=True))
    ]


def read_chat(reply: object, prompt: Prompt) -> Completion:
    """The completion of a /chat/completions reply. Raises BadReply if it has no answer."""
    choice = _choices(reply)[0]
    message = choice.get("message")
    if not isinstance(message, dict):
        raise BadReply("a choice without a message")
    content = message.get("content")
    text = _text(content) or _text(message.get("refusal"))
    traces = [_text(message.get(field)) for field in _TRACE_FIELDS]
    trace = next(filter(None, traces), "") or "\n".join(_thinking(content))
    return Completion(
        prompt.id,
        without_secrets(whole_text(text)),
        _finish_reason(choice),
        *_usage(reply).share(1, 0),
        reasoning=without_secrets(whole_text(trace)) or None,
        tokens=read_tokens(choice.get("logprobs")),
    )


class _Usage(NamedTuple):
    """Tokens of a request; None where the server does not count them."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None

    def share(self, parts: int, at: int) -> tuple[int | None, int | None, int | None]:
        """Prompt, completion and cached tokens of one prompt.

        A server counts per request, so each of its `parts` prompts gets an equal share.
        """
        prompt, completion, cached = (
            None if total is None else total // parts + (at < total % parts) for total in self
        )
        return prompt, completion, cached


def _usage(reply: object) -> _Usage:
    usage = reply.get("usage") if isinstance(reply, dict) else None
    if not isinstance(usage, dict):
        return _Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached)
    return _Usage(*map(_count, counts))


def _count(stated: object) -> int | None:
    counted = isinstance(stated, int | float) and 0 <= stated < _MOST_TOKENS
    return int(stated) if counted else None  # type: ignore[call-overload]


def _choices(reply: object) -> list[Mapping[str, Any]]:
    """The choices in the order of their indexes, or as they come where these are missing."""
    if isinstance(reply, str | bytes):
        text = reply if isinstance(reply, str) else reply.decode(errors="replace")
        start = text[:_SHOWN_CHARS]
        kind = "HTML" if start.lstrip().startswith("<") else "text"
        raise NotJson(f"{kind} instead of JSON: {start!r}")
    if not isinstance(reply, dict):
        raise BadReply(f"a reply of type {type(reply).__name__}")
    choices = reply.get("choices")
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise _without_choices(reply)
    if not choices:
        raise _without_choices(reply)
    indexes = [str(choice.get("index")) for choice in choices]
    wanted = [str(at) for at in range(len(choices))]
    if sorted(indexes) != sorted(wanted):
        return choices
    return [choices[indexes.index(at)] for at in wanted]


def _without_choices(reply: Mapping[str, Any]) -> BadReply:
    """What a reply without choices says: often it is an error with status 200."""
    error = reply.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    message = message_of(error) or message_of(reply)
    shown = json.dumps(reply, default=str)[:_SHOWN_CHARS]
    return BadReply(
        message or f"a reply without choices: {shown}", code if isinstance(code, int) else None
    )


def _finish_reason(choice: Mapping[str, Any]) -> str | None:
    reason = finish_reason(choice.get("finish_reason"))
    return None if reason is None else without_secrets(reason)


def _text(content: object) -> str:
    """Text, given whole or in parts without those of a reasoning trace; "" for None."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(_part_text(part) for part in content if not _is_thinking(part))


def _part_text(part: object) -> str:
    if isinstance(part, dict):
        return next(
            (part[key] for key in ("text", "refusal") if isinstance(part.get(key), str)), ""
        )
    return part if isinstance(part, str) else ""


def _is_thinking(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in ("thinking", "reasoning")


def _thinking(content: object) -> Iterator[str]:
    """The reasoning traces among the parts of a content."""
    for part in content if isinstance(content, list) else []:
        if _is_thinking(part):
            yield _text(part.get("thinking") or part.get("text") or part.get("summary"))


def _without_echo(text: str, prompt: str) -> str:
    """The text without the prompt, which some servers repeat before the answer."""
    return text.removeprefix(prompt)
