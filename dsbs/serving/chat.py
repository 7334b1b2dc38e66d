"""The chat route of OpenAI's interface: one message in, one label out."""

import json
import math
import time
import uuid
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from dsbs.core.errors import brief
from dsbs.serving.replies import Reply

_LEAST = 1e-300


class ChatBody(BaseModel):
    """A request of an OpenAI client. Fields that are not here change nothing for a student."""

    model_config = ConfigDict(extra="ignore")

    model: str = ""
    messages: list[dict[str, Any]]
    n: int | None = 1
    stream: bool | None = False
    stream_options: dict[str, Any] | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the reply tells how many tokens were read and written."""
        return not self.stream or bool((self.stream_options or {}).get("include_usage"))


class BadCall(Exception):
    """A call that cannot be answered as it stands."""

    def __init__(self, message: str, *, parameter: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.status = status


def message_of(body: ChatBody) -> str:
    """The text of the last message, which must be the user's. System messages change nothing.

    Raises:
        BadCall: There is no such text, or several answers are wanted.
    """
    if body.n not in (None, 1):
        raise BadCall("n: a student has one answer; n must be 1", parameter="n")
    last = body.messages[-1] if body.messages else {}
    if last.get("role") != "user":
        got = brief(last.get("role"))
        raise BadCall(f"messages: the last one is of role {got}; it must be the user's")
    content = last.get("content")
    if isinstance(content, list):
        found = [part.get("text") for part in content if isinstance(part, dict)]
        parts = [text for text in found if isinstance(text, str)]
        if len(parts) < len(content):
            raise BadCall("messages: a student reads text only", parameter="messages")
        content = "\n".join(map(str, parts))
    if not isinstance(content, str) or not content.strip():
        raise BadCall("messages: the last one has no text", parameter="messages")
    return content


def fields_of(text: str) -> dict[str, Any] | None:
    """The columns of a message that is a JSON object; None for any other text."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def completion(body: ChatBody, reply: Reply, *, model: str, identity: str) -> dict[str, Any]:
    """The reply in OpenAI's form."""
    message = {"role": "assistant", "content": _content(reply), "refusal": None}
    return {
        **_head("chat.completion", model, identity),
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": _logprobs(body, reply),
                "finish_reason": "stop",
            }
        ],
        "usage": _usage(reply),
    }


def stream(body: ChatBody, reply: Reply, *, model: str, identity: str) -> Iterator[str]:
    """The same as events: the whole label in one, then the end, then the usage if wanted."""
    head = _head("chat.completion.chunk", model, identity)
    delta = {"role": "assistant", "content": _content(reply)}
    for part, logprobs, reason in ((delta, _logprobs(body, reply), None), ({}, None, "stop")):
        choice = {"index": 0, "delta": part, "logprobs": logprobs, "finish_reason": reason}
        yield f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"
    if body.wants_usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': _usage(reply)})}\n\n"
    yield "data: [DONE]\n\n"


def _content(reply: Reply) -> str:
    """The label; the student's text where it has no readable label."""
    return reply.raw if reply.label is None else reply.label


def _usage(reply: Reply) -> dict[str, int] | None:
    """The tokens of who answered; None where the teacher's server did not count them."""
    if reply.tokens is None:
        return None
    read, written = reply.tokens
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _head(kind: str, model: str, identity: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": identity,
    }


def _logprobs(body: ChatBody, reply: Reply) -> dict[str, Any] | None:
    """The label as one token, with the log-probabilities of the likeliest allowed labels."""
    shares = reply.probabilities
    if not body.logprobs or not shares or reply.label is None:
        return None
    ranked = sorted(shares, key=shares.__getitem__, reverse=True)[: body.top_logprobs or 0]
    own = _token(reply.label, shares.get(reply.label, 0.0))
    top = [_token(label, shares[label]) for label in ranked]
    return {"content": [{**own, "top_logprobs": top}], "refusal": None}


def _token(label: str, share: float) -> dict[str, Any]:
    return {
        "token": label,
        "logprob": math.log(max(share, _LEAST)),
        "bytes": list(label.encode()),
    }
