"""Answers that other programs had from models: outputs of batches, and logs of chats."""

import json
from collections.abc import Mapping
from typing import Any

from dsbs.data.values import is_missing, whole_text
from dsbs.teachers.finish_reasons import EXPLAINS_EMPTY, finish_reason
from dsbs.teachers.found_answer import (
    FoundAnswer,
    Row,
    id_of,
    several_answers,
    text_or_none,
    texts_of,
    unknown_format,
)


def read_batch(row: Row, where: str) -> FoundAnswer:
    """A line of OpenAI's batch output, of vLLM's `run-batch`, or of Anthropic's message batches."""
    if "custom_id" not in row:
        raise unknown_format(row, where, "custom_id with a response or a result")
    response = row.get("response", row.get("result"))
    identity = id_of(row, "custom_id", where)
    if not isinstance(response, dict):
        return FoundAnswer(where, None, f"failed: {_shown(row.get('error'))}", id=identity)
    body = response.get("body", response.get("message"))
    if (
        str(response.get("status_code", 200)) != "200"
        or row.get("error")
        or not isinstance(body, dict)
    ):
        reason = row.get("error") or response.get("error") or body or response.get("type")
        return FoundAnswer(where, None, f"failed: {_shown(reason)}", id=identity)
    return answer_of(body, where)._replace(id=identity)


def read_chat(row: Row, where: str) -> FoundAnswer:
    """A request with its response, or a conversation whose last message is the answer."""
    request = _unwrapped(row.get("request", row))
    response = _unwrapped(row.get("response"))
    messages = request.get("messages", request.get("input", request.get("prompt")))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise unknown_format(row, where, "a request with messages")
    if "response" not in row:
        if not messages or messages[-1].get("role") != "assistant":
            raise unknown_format(
                row, where, "a response, or messages that end with the assistant's"
            )
        answer = answer_of({"choices": [{"message": messages[-1]}]}, where)
        messages = messages[:-1]
    elif isinstance(row["response"], str):
        answer = FoundAnswer(where, whole_text(row["response"]))
    else:
        answer = answer_of(response, where)
    texts = [(one.get("role"), _parts(one.get("content"))[0]) for one in messages]
    users = [text for role, text in texts if role == "user"]
    return answer._replace(
        id=_id_of_chat(row, request, where),
        request=users[-1] if users else None,
        shown="\n".join(text for _, text in texts),
    )


def _id_of_chat(row: Row, request: Row, where: str) -> str | None:
    """The id that the log itself gives, or that was sent as metadata."""
    for place in (row, row.get("metadata"), request.get("metadata")):
        for key in ("custom_id", "row_id", "id"):
            if isinstance(place, dict) and not is_missing(place.get(key)):
                return id_of(place, key, where)
    return None


def answer_of(body: Mapping[str, Any], where: str) -> FoundAnswer:
    """The text in a response of OpenAI's chat, completions or responses API, or of Anthropic's."""
    reason = body.get("stop_reason") or _why_incomplete(body)
    content: Any = None
    reasoning: Any = None
    if isinstance(choices := body.get("choices"), list) and choices:
        if len(choices) > 1:
            raise several_answers([f"choice {at}" for at in range(len(choices))], where)
        choice = choices[0] if isinstance(choices[0], dict) else {}
        message = choice.get("message")
        reason = choice.get("finish_reason")
        content = choice.get("text")
        if isinstance(message, dict):
            content = message.get("content") or message.get("refusal")
            reasoning = message.get("reasoning_content", message.get("reasoning"))
    elif isinstance(output := body.get("output"), list):
        parts = [one.get("content") for one in output if isinstance(one, dict)]
        content = [part for of_one in parts if isinstance(of_one, list) for part in of_one]
    elif "content" in body:
        content = body["content"]
    else:
        raise unknown_format(body, where, "a response with choices, output or content")
    text, thought = _parts(content)
    reason = finish_reason(reason)
    thinking = text_or_none(reasoning) or thought or None
    if reason in EXPLAINS_EMPTY and not text:
        return FoundAnswer(where, "", None, reason, thinking)
    if not text:
        why = f" (it ended with {reason})" if reason else ""
        return FoundAnswer(where, None, f"the answer has no text{why}", reason)
    return FoundAnswer(where, text, None, reason, thinking)


def _why_incomplete(body: Mapping[str, Any]) -> Any:
    """Why an answer of the responses API ends before its end."""
    details = body.get("incomplete_details")
    return details.get("reason") if isinstance(details, dict) else None


def _parts(content: Any) -> tuple[str, str]:
    """The text of a message, whole or in parts, and apart from it what the model thought."""
    if isinstance(content, str):
        return whole_text(content), ""
    text: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            if part.get("type") != "thinking":
                text += texts_of(part.get("text", part.get("refusal")))
            thought += texts_of(part.get("thinking"))
    return "".join(text), "".join(thought)


def _unwrapped(value: Any) -> Mapping[str, Any]:
    found = value if isinstance(value, dict) else {}
    body = found.get("body")
    return body if isinstance(body, dict) else found


def _shown(reason: Any) -> str:
    """A server's message, or the start of whatever it wrote instead."""
    if isinstance(reason, dict):
        inner = reason.get("error", reason)
        reason = inner.get("message", inner) if isinstance(inner, dict) else inner
    text = reason if isinstance(reason, str) else json.dumps(reason, default=str)
    return whole_text(text)[:200]
