"""Any OpenAI-compatible server, or several that serve one model, through the `openai` client."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Self, TypeVar

import openai

from dsbs.core.progress import say
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.endpoint_pool import Failed, Servers
from dsbs.teachers.endpoint_probes import (
    check_model,
    offers_chat,
    schema_field,
    tokenize,
)
from dsbs.teachers.endpoint_replies import read_chat, read_texts
from dsbs.teachers.endpoint_requests import RequestForm
from dsbs.teachers.endpoint_scoring import score_labels
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import (
    WAIT,
    EngineOptions,
    Idle,
    Prompt,
    Sampling,
    Wait,
)

T = TypeVar("T")


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
        try:
            self._run(check_model(self._servers))
            self.chat = options.api == "chat" or (
                options.api == "auto" and self._run(offers_chat(self._servers))
            )
        except BaseException:
            self.__exit__()
            raise
        self._form = RequestForm(self.name, sampling.for_chat() if self.chat else sampling)
        self.identity: Mapping[str, Any] = model_identity(options.model, options.revision)

    @property
    def sampling(self) -> Sampling:
        """How answers are drawn, without what the model has refused."""
        return self._form.sampling

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
            if any(prompt.schema for prompt in alone) and self._form.schema_field is None:
                self._form.schema_field = self._run(schema_field(self._servers, chat=self.chat))
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
            reply = await self._form.post(client, "/chat/completions", self._form.chat(first))
            return [read_chat(reply, first)]
        reply = await self._form.post(client, "/completions", self._form.texts(prompts))
        return read_texts(reply, prompts)
