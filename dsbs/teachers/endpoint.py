"""Any OpenAI-compatible server, or several that serve the same model, through the `openai` client."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, TypeVar

import openai

from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import drive, groups
from dsbs.teachers.endpoint_pool import Failed, Servers
from dsbs.teachers.endpoint_probes import check_model, offers_chat, schema_field, tokenize
from dsbs.teachers.label_scoring import Scored, by_label, split_shared
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import Prompt, Sampling

T = TypeVar("T")


class EndpointTeacher:
    """Asks for completions, many prompts a request, or for chats, one. Failed requests are tried again, with patience."""

    def __init__(
        self,
        model: str,
        sampling: Sampling,
        *,
        base_urls: Sequence[str],
        revision: str | None = None,
        local_folder: str | None = None,
        api: str = "auto",
        concurrency: int = 64,
        prompts_per_request: int = 32,
        timeout_s: float = 300.0,
        max_attempts: int = 6,
    ) -> None:
        self.name, self._prompts_per_request = model, prompts_per_request
        self._loop = asyncio.new_event_loop()
        self._servers = Servers(
            model,
            base_urls,
            concurrency=concurrency,
            timeout_s=timeout_s,
            max_attempts=max_attempts,
        )
        self._with_schema: Callable[[Any], dict[str, Any]] | None = None
        try:
            self._run(check_model(self._servers))
            self.chat = api == "chat" or (api == "auto" and self._run(offers_chat(self._servers)))
        except BaseException:
            self.__exit__()
            raise
        self._sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(local_folder or model, revision)

    def complete(
        self, prompts: Iterable[Prompt | None]
    ) -> Generator[Completion | None, None, None]:
        for answered in drive(
            self._loop, self._requests(prompts), self._answer, self._servers.gate
        ):
            yield from answered or (None,)

    def count_tokens(self, texts: list[str]) -> list[int] | None:
        """By the server's own tokenizer, where it can be asked."""
        try:
            return [len(self._run(tokenize(self._servers, text))) for text in texts]
        except (openai.OpenAIError, KeyError, TypeError, ValueError):
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._run(self._servers.close())
        self._loop.close()

    def _run(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(work)

    def _requests(self, prompts: Iterable[Prompt | None]) -> Iterator[list[Prompt] | None]:
        """Prompts that go into one request: many texts, but one chat, one score, or one answer to a schema."""
        for batch in groups(prompts, 1 if self.chat else self._prompts_per_request):
            if batch is None:
                yield None
                continue
            alone = [
                prompt for prompt in batch if prompt.messages or prompt.labels or prompt.schema
            ]
            if any(prompt.schema for prompt in alone) and self._with_schema is None:
                self._with_schema = self._run(schema_field(self._servers, chat=self.chat))
            yield from ([prompt] for prompt in alone)
            if len(alone) < len(batch):
                yield [
                    prompt
                    for prompt in batch
                    if not (prompt.messages or prompt.labels or prompt.schema)
                ]

    async def _answer(self, prompts: list[Prompt]) -> list[Completion]:
        """Every prompt of a request answered or failed. A request that is refused as a whole is sent one by one."""
        try:
            return await self._servers.ask(lambda client: self._ask(client, prompts))
        except Failed as failed:
            if failed.permanent and len(prompts) > 1:
                answers = await asyncio.gather(*(self._answer([prompt]) for prompt in prompts))
                return [completion for answered in answers for completion in answered]
            return [Completion(prompt.id, "", error=failed.reason) for prompt in prompts]

    async def _ask(self, client: openai.AsyncOpenAI, prompts: list[Prompt]) -> list[Completion]:
        first = prompts[0]
        if first.labels:
            return [await self._score(client, first)]
        extra = json.loads(self._sampling.extra)
        if first.schema is not None and self._with_schema is not None:
            extra |= self._with_schema(dict(first.schema))
        return (
            [await self._chat(client, first, extra)]
            if first.messages
            else await self._texts(client, prompts, extra)
        )

    # `post` of plain JSON, and not `completions.create`: walking through every value by its type takes half of the time.

    async def _texts(
        self, client: openai.AsyncOpenAI, prompts: list[Prompt], extra: dict[str, Any]
    ) -> list[Completion]:
        body = {
            "model": self.name,
            "prompt": [prompt.text for prompt in prompts],
            **self._drawn("max_tokens"),
            **extra,
        }
        found: Any = await client.post("/completions", cast_to=object, body=body)
        choices = {choice["index"]: choice for choice in found["choices"]}
        if set(choices) != set(range(len(prompts))):
            raise ValueError(f"{len(choices)} choices for {len(prompts)} prompts")
        return [
            Completion(
                prompt.id,
                choices[at]["text"],
                choices[at]["finish_reason"],
                *_share(found.get("usage"), len(prompts), at),
            )
            for at, prompt in enumerate(prompts)
        ]

    async def _chat(
        self, client: openai.AsyncOpenAI, prompt: Prompt, extra: dict[str, Any]
    ) -> Completion:
        messages = [dict(message) for message in prompt.messages]
        body = {
            "model": self.name,
            "messages": messages,
            **self._drawn("max_completion_tokens"),
            **extra,
        }
        found: Any = await client.post("/chat/completions", cast_to=object, body=body)
        said = found["choices"][0]
        message = said["message"]
        trace = message.get("reasoning_content") or message.get("reasoning")
        text = message.get("content") or message.get("refusal") or ""
        return Completion(
            prompt.id,
            text,
            said["finish_reason"],
            *_share(found.get("usage"), 1, 0),
            reasoning=trace,
        )

    def _drawn(self, limit: str) -> dict[str, Any]:
        sampling = self._sampling
        drawn: dict[str, Any] = {
            limit: sampling.max_new_tokens,
            "temperature": sampling.temperature,
        }
        return drawn | {"top_p": sampling.top_p, "n": 1, "stop": list(sampling.stop) or None}

    async def _score(self, client: openai.AsyncOpenAI, prompt: Prompt) -> Completion:
        scored = split_shared(
            [await tokenize(self._servers, prompt.text + text) for _, text in prompt.labels]
        )
        ask = self._next_tokens if scored.in_one_step else self._whole_texts
        logprobs, tokens = await ask(client, scored)
        return Completion(
            prompt.id, "", "score", tokens, 0, label_scores=by_label(prompt.labels, logprobs)
        )

    async def _next_tokens(
        self, client: openai.AsyncOpenAI, scored: Scored
    ) -> tuple[list[float], int]:
        """Of the labels' first tokens, by vLLM's `logprob_token_ids`."""
        firsts = [rest[0] for rest in scored.rests]
        extra = {"logprob_token_ids": firsts, "return_tokens_as_token_ids": True}
        found: Any = await client.completions.create(
            model=self.name,
            prompt=scored.shared,
            max_tokens=1,
            temperature=0.0,
            logprobs=1,
            extra_body=extra,
        )
        (top,) = found.choices[0].logprobs.top_logprobs
        return [top[f"token_id:{token}"] for token in firsts], len(scored.shared)

    async def _whole_texts(
        self, client: openai.AsyncOpenAI, scored: Scored
    ) -> tuple[list[float], int]:
        """Of all the labels' tokens, by vLLM's `prompt_logprobs`, which does not read the prefix cache."""
        texts, start = [[*scored.shared, *rest] for rest in scored.rests], len(scored.shared)
        found: Any = await client.completions.create(
            model=self.name,
            prompt=texts,
            max_tokens=1,
            temperature=0.0,
            extra_body={"prompt_logprobs": 0},
        )
        rows = [
            choice.prompt_logprobs
            for choice in sorted(found.choices, key=lambda choice: choice.index)
        ]
        logprobs = [
            sum(row[at][str(ids[at])]["logprob"] for at in range(start, len(ids)))
            for row, ids in zip(rows, texts, strict=True)
        ]
        return logprobs, sum(map(len, texts))


def _share(usage: Any, parts: int, at: int) -> tuple[int | None, int | None, int | None]:
    """Prompt, completion and cached tokens of one prompt: a server counts by request, and each prompt is given its share."""
    if usage is None:
        return None, None, None
    details = usage.get("prompt_tokens_details") or {}
    totals = (usage["prompt_tokens"], usage["completion_tokens"], details.get("cached_tokens"))
    prompt, said, cached = (
        None if total is None else total // parts + (at < total % parts) for total in totals
    )
    return prompt, said, cached
