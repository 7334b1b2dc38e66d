"""Answers that other programs wrote: batch outputs, chat logs, and exports of labeling tools.

docs/data.md shows one line of each format.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.config.generate import AnswersFormat
from dsbs.core.errors import InputError
from dsbs.data.readers import read_rows
from dsbs.data.values import is_missing, name_of, read_value, whole_text

Row = Mapping[str, Any]

_REASONS = {"max_tokens": "length", "end_turn": "stop", "stop_sequence": "stop"}
"""Anthropic's words for why an answer ends, as OpenAI's."""


class FoundAnswer(NamedTuple):
    """One answer of a file, and what says to which row it belongs."""

    where: str
    text: str | None
    """None where there is no answer; `error` says why."""
    error: str | None = None
    finish_reason: str | None = None
    reasoning: str | None = None
    id: str | None = None
    """The id of the row."""
    rows: tuple[Row, ...] = ()
    """The row itself, where an export repeats it. The first that has the task's columns counts."""
    asked: tuple[str, ...] = ()
    """Texts that may be the row's input, where a log has the request."""


def read_answers(path: Path, form: AnswersFormat) -> tuple[str, list[FoundAnswer]]:
    """The format of a file, and all its answers. `auto` finds the format out from the first row.

    Raises:
        InputError: for a row that is not in the format, or a format that is not known.
    """
    found: list[FoundAnswer] = []
    for where, row in read_rows(path):
        if form == "auto":
            form = _format_of(row, where)
        found.append(_READERS[form](row, where))
    return form, found


def _format_of(row: Row, where: str) -> AnswersFormat:
    if "custom_id" in row and row.keys() & {"response", "result", "error"}:
        return "batch"
    if "annotations" in row and "data" in row:
        return "label-studio"
    if row.keys() & {"messages", "request"} or ("response" in row and "prompt" in row):
        return "chat"
    if isinstance(row.get("label", row.get("labels")), list) and "text" in row:
        return "doccano"
    if "id" in row and "text" in row:
        return "text"
    raise _unknown(row, where, "strings id and text, or another known format")


def _unknown(row: Row, where: str, expected: str) -> InputError:
    return InputError(
        where,
        got=f"keys {', '.join(sorted(map(str, row)))}",
        expected=expected,
        fix="see docs/data.md for the formats, and name one with --answers-format",
    )


def _read_text(row: Row, where: str) -> FoundAnswer:
    """`{"id": ..., "text": ...}`, with `finish_reason` and `reasoning` where they are known."""
    text = row.get("text")
    if is_missing(row.get("id")) or "text" not in row or not isinstance(text, str | None):
        raise _unknown(row, where, "strings id and text")
    return FoundAnswer(
        where,
        None if text is None else whole_text(text),
        "its text is null" if text is None else None,
        _text_or_none(row.get("finish_reason")),
        _text_or_none(row.get("reasoning")),
        _id(row, "id", where),
    )


def _read_batch(row: Row, where: str) -> FoundAnswer:
    """A line of OpenAI's batch output, of vLLM's `run-batch`, or of Anthropic's message batches."""
    if "custom_id" not in row:
        raise _unknown(row, where, "custom_id with a response or a result")
    response = row.get("response", row.get("result"))
    identity = _id(row, "custom_id", where)
    if not isinstance(response, dict):
        return FoundAnswer(where, None, f"failed: {_shown(row.get('error'))}", id=identity)
    body = response.get("body", response.get("message"))
    if response.get("status_code", 200) != 200 or row.get("error") or not isinstance(body, dict):
        reason = row.get("error") or response.get("error") or body or response.get("type")
        return FoundAnswer(where, None, f"failed: {_shown(reason)}", id=identity)
    return _answer_of(body, where)._replace(id=identity)


def _read_chat(row: Row, where: str) -> FoundAnswer:
    """A request with its response, or a conversation whose last message is the answer."""
    request = _unwrapped(row.get("request", row))
    response = _unwrapped(row.get("response"))
    messages = request.get("messages", request.get("input", request.get("prompt")))
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise _unknown(row, where, "a request with messages")
    if "response" not in row:
        if not messages or messages[-1].get("role") != "assistant":
            raise _unknown(row, where, "a response, or messages that end with the assistant's")
        answer = _answer_of({"choices": [{"message": messages[-1]}]}, where)
        messages = messages[:-1]
    elif isinstance(row["response"], str):
        answer = FoundAnswer(where, whole_text(row["response"]))
    else:
        answer = _answer_of(response, where)
    key = next((key for key in ("custom_id", "id") if not is_missing(row.get(key))), None)
    users = [_parts(one.get("content"))[0] for one in messages if one.get("role") == "user"]
    return answer._replace(
        id=_id(row, key, where) if key else None, asked=_ends_of(users[-1]) if users else ()
    )


def _read_label_studio(row: Row, where: str) -> FoundAnswer:
    """A task of Label Studio's JSON export, with the choices and texts of its annotation.

    The id there is Label Studio's own, and says nothing.
    """
    data, annotations = row.get("data"), row.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        raise _unknown(row, where, "data and annotations, as in Label Studio's JSON export")
    kept = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    answers = {_annotated(one.get("result"), where) for one in kept}
    answer = FoundAnswer(where, None, "it is not annotated")
    if len(answers) == 1:
        label, rationale = answers.pop()
        answer = _labelled(where, label, rationale)
    elif answers:
        answer = FoundAnswer(where, None, "its annotators do not agree")
    return answer._replace(rows=(data, row), asked=tuple(_texts(list(data.values()))))


def _annotated(result: Any, where: str) -> tuple[str | None, str]:
    """The label and the rationale of one annotation: what was chosen, and what was written."""
    chosen: list[str] = []
    written: list[str] = []
    for part in result if isinstance(result, list) else ():
        value = part.get("value") if isinstance(part, dict) else None
        if isinstance(value, dict):
            chosen += _texts(value.get("choices"))
            written += _texts(value.get("text"))
    if len(chosen) > 1:
        raise _several(chosen, where)
    if not chosen and len(written) == 1:
        return written[0], ""
    return (chosen[0] if chosen else None), "\n".join(written)


def _read_doccano(row: Row, where: str) -> FoundAnswer:
    """A line of doccano's export: the text that was shown, and its label or what was written.

    The id there is doccano's own, and says nothing.
    """
    labels = row.get("label", row.get("labels"))
    if "text" not in row or not isinstance(labels, list | str):
        raise _unknown(row, where, "text and label, as in doccano's export")
    stated = _texts(labels)
    if len(stated) > 1:
        raise _several(stated, where)
    answer = _labelled(where, stated[0] if stated else None, "")
    return answer._replace(rows=(row,), asked=tuple(_texts(row["text"])))


_READERS = {
    "text": _read_text,
    "batch": _read_batch,
    "chat": _read_chat,
    "label-studio": _read_label_studio,
    "doccano": _read_doccano,
}


def _labelled(where: str, label: str | None, rationale: str) -> FoundAnswer:
    """A person's label, as the JSON that answers without demonstrations have."""
    if label is None:
        return FoundAnswer(where, None, "it is not annotated")
    stated = {"rationale": rationale, "label": label}
    return FoundAnswer(where, json.dumps(stated, ensure_ascii=False))


def _answer_of(body: Mapping[str, Any], where: str) -> FoundAnswer:
    """The text in a response of OpenAI's chat, completions or responses API, or of Anthropic's."""
    reason = body.get("stop_reason")
    content: Any = None
    reasoning: Any = None
    if isinstance(choices := body.get("choices"), list) and choices:
        if len(choices) > 1:
            raise _several([f"choice {at}" for at in range(len(choices))], where)
        choice = choices[0] if isinstance(choices[0], dict) else {}
        message = choice.get("message")
        reason = choice.get("finish_reason")
        content = choice.get("text")
        if isinstance(message, dict):
            content = message.get("content")
            reasoning = message.get("reasoning_content", message.get("reasoning"))
    elif isinstance(output := body.get("output"), list):
        parts = [one.get("content") for one in output if isinstance(one, dict)]
        content = [part for of_one in parts if isinstance(of_one, list) for part in of_one]
    elif "content" in body:
        content = body["content"]
    else:
        raise _unknown(body, where, "a response with choices, output or content")
    text, thought = _parts(content)
    reason = _REASONS.get(str(reason), _text_or_none(reason))
    if not text:
        why = f" (it ended with {reason})" if reason else ""
        return FoundAnswer(where, None, f"the answer has no text{why}", reason)
    return FoundAnswer(where, text, None, reason, _text_or_none(reasoning) or thought or None)


def _parts(content: Any) -> tuple[str, str]:
    """The text of a message, whole or in parts, and apart from it what the model thought."""
    if isinstance(content, str):
        return whole_text(content), ""
    text: list[str] = []
    thought: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            text += _texts(part.get("text") if part.get("type") != "thinking" else None)
            thought += _texts(part.get("thinking"))
    return "".join(text), "".join(thought)


def _ends_of(text: str) -> tuple[str, ...]:
    """A request and what stands in it from each of its lines on: an instruction may come first."""
    lines = text.splitlines()
    return tuple("\n".join(lines[at:]) for at in range(min(len(lines), 100)))


def _unwrapped(value: Any) -> Mapping[str, Any]:
    found = value if isinstance(value, dict) else {}
    body = found.get("body")
    return body if isinstance(body, dict) else found


def _texts(value: Any) -> list[str]:
    """A text, or the texts of a list."""
    found = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [whole_text(one) for one in found if isinstance(one, str)]


def _several(found: Sequence[str], where: str) -> InputError:
    return InputError(
        where,
        got=f"{len(found)} answers ({', '.join(found[:5])})",
        expected="one answer per row",
        fix="keep one of them",
    )


def _id(row: Row, key: str, where: str) -> str:
    return name_of(read_value(row[key], where, key))


def _text_or_none(value: Any) -> str | None:
    return whole_text(value) if isinstance(value, str) and value else None


def _shown(reason: Any) -> str:
    """A server's message, or the start of whatever it wrote instead."""
    if isinstance(reason, dict):
        inner = reason.get("error", reason)
        reason = inner.get("message", inner) if isinstance(inner, dict) else inner
    text = reason if isinstance(reason, str) else json.dumps(reason, default=str)
    return whole_text(text)[:200]
