"""What a server can do, found out by asking it once: names in its documents change, and unknown fields are ignored."""

from collections.abc import Callable, Mapping
from typing import Any

import openai

from dsbs.core.errors import InputError, nearest
from dsbs.teachers.endpoint_pool import Servers, told

_SCHEMA_FIELDS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "structured_outputs": lambda schema: {"structured_outputs": {"json": schema}},
    "response_format": lambda schema: {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        }
    },
}
"""How a schema is sent: vLLM's field, then the one of most other servers. (The old guided_* fields are ignored today.)"""

_NONSENSE = {
    "type": "object",
    "properties": {"xq": {"const": "vbz"}},
    "required": ["xq"],
    "additionalProperties": False,
}
"""Nothing a model would say unless it has to."""


async def check_model(servers: Servers) -> None:
    """Every server is there, takes the key and knows the model. A server without a list of models is believed."""
    for number, client in enumerate(servers.clients):
        try:
            known = [model.id async for model in client.models.list()]
        except openai.APIConnectionError as error:
            where, fix = f"--base-url {servers.address(number)}", "start it, or check the address"
            raise InputError(
                where, got=told(error), expected="a server that answers", fix=fix
            ) from None
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            servers.raise_if_hopeless(error)
        except openai.OpenAIError:
            continue
        else:
            if known and servers.model not in known:
                where, fix = f"--model {servers.model}", nearest(servers.model, known)
                raise InputError(
                    where,
                    got="a name the server does not know",
                    expected="one of its models",
                    fix=fix,
                )


async def offers_chat(servers: Servers) -> bool:
    """Whether the server has a chat template for the model; a base model's server has none and says so."""
    ask: Any = [{"role": "user", "content": "Hello."}]
    try:
        await servers.clients[0].chat.completions.create(
            model=servers.model, messages=ask, max_completion_tokens=1
        )
    except openai.APIStatusError as error:
        if error.status_code in (401, 403):
            servers.raise_if_hopeless(error)
        return False
    return True


async def schema_field(servers: Servers, *, chat: bool) -> Callable[[Any], dict[str, Any]]:
    """How to send a schema so that this server holds its answer to it. InputError where no way bites."""
    for body in _SCHEMA_FIELDS.values():
        if await _bites(servers, body(_NONSENSE), chat=chat):
            return body
    fix = "use few-shot prompts, or a server with structured outputs"
    raise InputError(
        servers.address(), got="free text", expected="an answer held to a schema", fix=fix
    )


async def tokenize(servers: Servers, text: str) -> list[int]:
    """Token ids by vLLM's /tokenize. Raises openai's errors where the server has none."""
    client = servers.clients[0]
    root = str(client.base_url).rstrip("/").removesuffix("/v1")
    found: Any = await client.post(
        f"{root}/tokenize", cast_to=object, body={"model": servers.model, "prompt": text}
    )
    return list(found["tokens"])


async def _bites(servers: Servers, body: dict[str, Any], *, chat: bool) -> bool:
    client, ask = servers.clients[0], "Say hello in one word."
    shared: dict[str, Any] = {"model": servers.model, "temperature": 0, "extra_body": body}
    try:
        if chat:
            messages: Any = [{"role": "user", "content": ask}]
            answer = await client.chat.completions.create(
                messages=messages, max_completion_tokens=64, **shared
            )
            text = answer.choices[0].message.content
        else:
            text = (
                (await client.completions.create(prompt=ask, max_tokens=64, **shared))
                .choices[0]
                .text
            )
        # Without the spaces that JSON allows: a weak model may go on with nothing else, and is held all the same.
        said = "".join((text or "").split())
        return said.startswith('{"xq"') and '{"xq":"vbz"}'.startswith(said)
    except openai.APIStatusError:
        return False
