"""Any OpenAI-compatible server, or several that serve one model, through the `openai` client."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, TypeVar

import openai

from dsbs.core.progress import say
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.chat_template import without_system
from dsbs.teachers.endpoint_errors import (
    describe,
    refused_setting,
    refuses_system,
    stated_default,
)
from dsbs.teachers.endpoint_pool import Failed, Servers, post_json
from dsbs.teachers.endpoint_probes import (
    CHAT_LIMITS,
    SchemaField,
    check_model,
    offers_chat,
    schema_field,
    tokenize,
)
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.endpoint_scoring import score_labels
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import (
    MOST_TOP_LOGPROBS,
    WAIT,
    EngineOptions,
    Idle,
    Prompt,
    Sampling,
    SettingRefused,
    Wait,
)

T = TypeVar("T")

_SETTINGS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "max_tokens": "max_new_tokens",
    "max_completion_tokens": "max_new_tokens",
    "logprobs": "top_logprobs",
    "top_logprobs": "top_logprobs",
}
"""Fields of a request that a model may refuse, with the setting of `Sampling` that each one is."""


_FEW_TOP_LOGPROBS = 5
"""What servers give that refuse more."""


class EndpointTeacher:
    """Sends many prompts per request to continue, or one chat per request.

    Failed requests are tried again, with patience.
    """

    def __init__(
        self,
        options: EngineOptions,
        sampling: Sampling,
        check_server: Callable[[], None] = lambda: None,
    ) -> None:
        """Open connections.

        Args:
            options: The model and its servers.
            sampling: How answers are drawn.
            check_server: Raises InputError where a connection fails for good. Default: never.
        """
        self.name = options.model
        self._loop = asyncio.new_event_loop()
        self._servers = Servers(options, check_server)
        self._prompts_per_request = options.endpoint.prompts_per_request
        self._chat_limit = CHAT_LIMITS[0]
        self._takes_system = True
        self._schema_field: SchemaField | None = None
        try:
            self._run(check_model(self._servers))
            self.chat = options.api == "chat" or (
                options.api == "auto" and self._run(offers_chat(self._servers))
            )
        except BaseException:
            self.__exit__()
            raise
        self.sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(options.model, options.revision)

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`."""
        requests = self._requests(prompts)
        for answered in drive(self._loop, requests, self._answer, self._servers.gate):
            if isinstance(answered, Idle):
                yield answered
            else:
                yield from answered

    def count_tokens(self, texts: list[str]) -> list[int] | None:
        """Tokens of each text by the server's own tokenizer; None where it has none."""
        client = self._servers.clients[0]
        try:
            return [len(self._run(tokenize(client, self.name, text))) for text in texts]
        except (openai.OpenAIError, KeyError, TypeError, ValueError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._run(self._servers.close())
        self._loop.close()

    def _run(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(work)

    def _requests(self, prompts: Iterable[Prompt | Wait]) -> Iterator[list[Prompt] | Wait]:
        """Prompts in requests: many texts to continue, but one chat, score or schema."""
        for batch in groups(prompts, 1 if self.chat else self._prompts_per_request):
            if isinstance(batch, Wait):
                yield WAIT
                continue
            alone = [p for p in batch if p.messages or p.labels or p.schema]
            together = [p for p in batch if not (p.messages or p.labels or p.schema)]
            if any(prompt.schema for prompt in alone) and self._schema_field is None:
                self._schema_field = self._run(schema_field(self._servers, chat=self.chat))
            if self._prompts_per_request == 1:
                alone += together
                together = []
            yield from ([prompt] for prompt in alone)
            if together:
                yield together

    async def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        """Every prompt of a request, answered or failed. A refused list is sent one by one."""
        try:
            return await self._servers.ask(lambda client: self._ask(client, prompts))
        except Failed as failed:
            if len(prompts) == 1:
                return [Completion(prompts[0].id, "", error=failed.reason)]
            if failed.permanent:
                return await self._answer_singly(prompts, failed)
            return [Completion(prompt.id, "", error=failed.reason) for prompt in prompts]

    async def _answer_singly(self, prompts: list[Prompt], failed: Failed) -> list[Completion]:
        """Each prompt in a request of its own, and all later ones too where every one succeeds."""
        answers = await asyncio.gather(*(self._answer([prompt]) for prompt in prompts))
        completions = [completion for answered in answers for completion in answered]
        one_per_request = all(completion.error is None for completion in completions)
        if one_per_request and self._prompts_per_request > 1:
            self._prompts_per_request = 1
            say(f"the server takes one prompt per request, so each is sent alone ({failed.reason})")
        return completions

    async def _ask(self, client: openai.AsyncOpenAI, prompts: list[Prompt]) -> list[Completion]:
        first = prompts[0]
        if first.labels:
            return [await score_labels(client, self.name, first)]
        if first.messages:
            reply = await self._post(client, "/chat/completions", self._chat_body(first))
            return [read_chat(reply, first)]
        texts = [prompt.text for prompt in prompts]
        body = {"prompt": texts if len(texts) > 1 else texts[0], **self._drawn("max_tokens", first)}
        return read_texts(await self._post(client, "/completions", body), prompts)

    def _chat_body(self, prompt: Prompt) -> dict[str, Any]:
        messages = [dict(message) for message in prompt.messages]
        if not self._takes_system:
            messages = without_system(messages)
        asked = {"messages": messages, **self._drawn(self._chat_limit, prompt)}
        if self.sampling.top_logprobs is not None:
            asked |= {"logprobs": True, "top_logprobs": self.sampling.top_logprobs}
        return asked

    def _drawn(self, limit: str, prompt: Prompt) -> dict[str, Any]:
        """The fields of a request that say how its answer is drawn."""
        sampling = self.sampling
        drawn: dict[str, Any] = {
            limit: sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "n": 1,
            "stop": list(sampling.stop) or None,
        }
        kept = {
            name: value
            for name, value in drawn.items()
            if _SETTINGS.get(name) not in sampling.refused
        }
        kept |= json.loads(sampling.extra)
        if prompt.schema is not None and self._schema_field is not None:
            kept |= self._schema_field(dict(prompt.schema))
        return kept

    async def _post(self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any]) -> object:
        """The reply to a request. Raises SettingRefused where the model does not take a setting."""
        whole = {"model": self.name, **body}
        try:
            return await post_json(client, path, whole)
        except openai.APIStatusError as error:
            refused = refused_setting(error, _SETTINGS.keys() & body.keys())
            if refused is None:
                if refuses_system(error) and _has_system(body):
                    return await self._with_system_inside(client, path, body, describe(error))
                raise
            if refused == CHAT_LIMITS[0] and "messages" in body:
                return await self._with_other_limit(client, path, body)
            sent = body[refused]
            raise self._without(_SETTINGS[refused], sent, describe(error)) from None

    def _without(self, setting: str, sent: object, reason: str) -> SettingRefused:
        """From now on, send the value of a setting that the model takes, or none."""
        if setting == "top_logprobs" and sent not in (True, self.sampling.top_logprobs):
            return SettingRefused(setting, reason)  # another request in flight was refused before
        few = self.sampling.top_logprobs == MOST_TOP_LOGPROBS and sent is not True
        if setting == "top_logprobs" and few:
            self.sampling = replace(self.sampling, top_logprobs=_FEW_TOP_LOGPROBS)
            return SettingRefused(setting, reason)
        default = stated_default(reason) if setting in ("temperature", "top_p") else None
        if default is not None and sent != default:
            values: dict[str, Any] = {setting: default}
            self.sampling = replace(self.sampling, **values)
        else:
            self.sampling = self.sampling.without(setting)
        return SettingRefused(setting, reason)

    async def _with_system_inside(
        self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any], reason: str
    ) -> object:
        """The same request with the system message before the first question, now and later on."""
        if self._takes_system:
            self._takes_system = False
            say(f"the system message is sent before the first question, because of: {reason}")
        return await self._post(
            client, path, {**body, "messages": without_system(body["messages"])}
        )

    async def _with_other_limit(
        self, client: openai.AsyncOpenAI, path: str, body: dict[str, Any]
    ) -> object:
        """The same request with the name for the longest answer that older servers know."""
        if self._chat_limit == CHAT_LIMITS[0]:
            self._chat_limit = CHAT_LIMITS[1]
            say(f"the server does not take {CHAT_LIMITS[0]}, so {CHAT_LIMITS[1]} is sent")
        limit = body[CHAT_LIMITS[0]]
        others = {name: value for name, value in body.items() if name != CHAT_LIMITS[0]}
        return await self._post(client, path, {**others, CHAT_LIMITS[1]: limit})


def _has_system(body: Mapping[str, Any]) -> bool:
    messages = body.get("messages") or []
    return len(messages) > 1 and messages[0]["role"] == "system"
