"""What a server can do, found out by a request: servers ignore fields that they do not know."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import openai

from dsbs.core.errors import InputError, nearest
from dsbs.teachers.endpoint_errors import (
    MENDABLE,
    BadReply,
    describe,
    is_permanent,
    refused_setting,
    wait_s,
)
from dsbs.teachers.endpoint_pool import Servers, post_json
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.protocol import Prompt

SchemaField = Callable[[Any], dict[str, Any]]
"""The part of a request that holds its answer to a JSON schema."""

CHAT_LIMITS = ("max_completion_tokens", "max_tokens")
"""Names of the longest answer in a chat request: OpenAI's, then the one that older servers know."""

_PROBE_ATTEMPTS = 4
"""How often a server is asked whether it takes chats."""

_SCHEMA_FIELDS: Mapping[str, SchemaField] = {
    "structured_outputs": lambda schema: {"structured_outputs": {"json": schema}},
    "response_format": lambda schema: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    },
}
"""How a schema is sent: vLLM's field, then that of most other servers.

(The older guided_* fields are ignored today.)
"""

_NONSENSE = {
    "type": "object",
    "properties": {"xq": {"const": "vbz"}},
    "required": ["xq"],
    "additionalProperties": False,
}
"""A schema of an answer that no model gives unless it has to."""


async def check_model(servers: Servers) -> None:
    """Check that every server is there, takes the key and knows the model.

    A server without a list of models is believed. Raises InputError.
    """
    for number, client in enumerate(servers.clients):
        try:
            known = [model.id async for model in client.models.list()]
        except openai.APIConnectionError as error:
            raise InputError(
                f"--base-url {servers.address(number)}",
                got=describe(error),
                expected="a server that answers",
                fix="start it, or check the address",
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            servers.raise_if_hopeless(error)
        except (openai.OpenAIError, AttributeError, TypeError, ValueError):
            continue
        else:
            if known and servers.model not in known:
                raise InputError(
                    f"--teacher {servers.model}",
                    got="a name that the server does not know",
                    expected="one of its models",
                    fix=nearest(servers.model, known),
                )


async def offers_chat(servers: Servers) -> bool:
    """Whether the server has a chat template for the model. The server of a base model has none."""
    messages = [{"role": "user", "content": "Hello."}]
    body = {"model": servers.model, "messages": messages, CHAT_LIMITS[0]: 1}
    for attempt in range(1, _PROBE_ATTEMPTS + 1):
        try:
            await post_json(servers.clients[0], "/chat/completions", body)
        except MENDABLE as error:
            if getattr(error, "status_code", None) in (401, 403):
                servers.raise_if_hopeless(error)
            if is_permanent(error):
                # A server that only wants another name of the limit does take chats.
                return refused_setting(error, set(CHAT_LIMITS)) is not None
            if attempt == _PROBE_ATTEMPTS:
                raise _no_answer(servers, error) from None
            await asyncio.sleep(wait_s(error, attempt, jitter=1.0))
        else:
            break
    return True


def _no_answer(servers: Servers, error: Exception) -> InputError:
    return InputError(
        f"--base-url {servers.address()}",
        got=describe(error),
        expected="an answer to a chat, or that the model takes none",
        fix="try again later, or name --api chat or completions",
    )


async def schema_field(servers: Servers, *, chat: bool) -> SchemaField:
    """How to send a schema so that this server enforces it. Raises InputError if none works."""
    for body in _SCHEMA_FIELDS.values():
        if await _enforced(servers, body(_NONSENSE), chat=chat):
            return body
    raise InputError(
        servers.address(),
        got="free text",
        expected="an answer that follows a JSON schema",
        fix="use few-shot prompts, or a server with structured outputs",
    )


async def tokenize(client: openai.AsyncOpenAI, model: str, text: str) -> list[int]:
    """Token ids by vLLM's /tokenize. Raises openai's errors where the server has none."""
    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    body = {"model": model, "prompt": text}
    found: Any = await client.post(f"{root}/tokenize", cast_to=object, body=body)
    return list(found["tokens"])


async def _enforced(servers: Servers, schema: dict[str, Any], *, chat: bool) -> bool:
    """Whether an answer to an ordinary question follows `_NONSENSE`."""
    question = "Say hello in one word."
    prompt = Prompt("probe", question)
    shared: dict[str, Any] = {"model": servers.model, "temperature": 0, **schema}
    client = servers.clients[0]
    try:
        if chat:
            messages = [{"role": "user", "content": question}]
            body = {"messages": messages, CHAT_LIMITS[0]: 64, **shared}
            reply = await post_json(client, "/chat/completions", body)
            answer = read_chat(reply, prompt)
        else:
            body = {"prompt": question, "max_tokens": 64, **shared}
            reply = await post_json(client, "/completions", body)
            (answer,) = read_texts(reply, [prompt])
    except (openai.APIStatusError, BadReply):
        return False
    # Spaces do not count: a weak model may write nothing but the spaces that JSON allows.
    text = "".join(answer.text.split())
    return text.startswith('{"xq"') and '{"xq":"vbz"}'.startswith(text)
