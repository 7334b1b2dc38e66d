"""From a prompt to vLLM's requests, and from vLLM's outputs to a completion."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dsbs.core.records import Completion
from dsbs.teachers.chat_template import model_text
from dsbs.teachers.finish_reasons import finish_reason
from dsbs.teachers.label_scoring import Scored, by_label, encode_continuations, token_logprob
from dsbs.teachers.protocol import Prompt, Sampling
from dsbs.teachers.vllm_start import sampling_params


class VllmRequest(NamedTuple):
    """One request to vLLM."""

    tokens: list[int]
    """Token ids of the prompt."""
    params: Any
    """vLLM's `SamplingParams`."""


@dataclass(slots=True)
class InFlight:
    """A prompt whose requests vLLM works on."""

    prompt: Prompt
    keys: list[str] = field(default_factory=list)
    """Keys of its requests, in order."""
    scored: Scored | None = None
    """Token ids of the labels that are scored."""
    outputs: dict[str, Any] = field(default_factory=dict)
    """vLLM's `RequestOutput` of each finished request, by key."""


class VllmPrompts:
    """Translates for one model."""

    def __init__(self, tokenizer: Any, sampling: Sampling, *, chat: bool) -> None:
        self._tokenizer = tokenizer
        self._sampling = sampling
        self._chat = chat
        self._backend = _backend(tokenizer)
        self._plain = self._drawn(None)

    def encode(self, prompts: list[Prompt]) -> list[list[int]]:
        """Token ids of prompts. A chat template has already written the special tokens.

        The offsets, which nobody reads, are not computed: it takes two thirds of the time that
        vLLM's own way takes.
        """
        texts = [model_text(prompt, self._tokenizer, self._sampling) for prompt in prompts]
        special = not self._chat
        if self._backend is None:
            return [self._tokenizer.encode(text, add_special_tokens=special) for text in texts]
        encoded = self._backend.encode_batch_fast(texts, add_special_tokens=special)
        return [one.ids for one in encoded]

    def requests(self, one: InFlight, tokens: list[int] | None) -> Iterator[VllmRequest]:
        """The requests that answer a prompt.

        Args:
            one: The prompt; `scored` is set where labels are scored.
            tokens: Token ids of a prompt that is answered with text, else None.
        """
        schema = one.prompt.schema
        if tokens is not None:
            yield VllmRequest(tokens, self._drawn(schema) if schema else self._plain)
            return
        scored = encode_continuations(self._tokenizer.encode, one.prompt.text, one.prompt.labels)
        one.scored = scored
        if scored.in_one_step:
            firsts = [rest[0] for rest in scored.rests]
            params = sampling_params(max_tokens=1, temperature=0.0, logprob_token_ids=firsts)
            yield VllmRequest(scored.shared, params)
            return
        for rest in scored.rests:
            params = sampling_params(max_tokens=1, temperature=0.0, prompt_logprobs=0)
            yield VllmRequest([*scored.shared, *rest], params)

    def completion(self, one: InFlight) -> Completion:
        """The completion of a prompt whose requests are all finished."""
        outputs = [one.outputs[key] for key in one.keys]
        if one.scored is not None:
            scores = by_label(one.prompt.labels, _logprobs(one.scored, outputs))
            tokens = sum(len(output.prompt_token_ids) for output in outputs)
            return Completion(one.prompt.id, "", "score", tokens, 0, label_scores=scores)
        answer = outputs[0].outputs[0]
        return Completion(
            one.prompt.id,
            answer.text,
            finish_reason(answer.finish_reason),
            prompt_tokens=len(outputs[0].prompt_token_ids),
            completion_tokens=len(answer.token_ids),
            cached_tokens=outputs[0].num_cached_tokens,
        )

    def _drawn(self, schema: Mapping[str, Any] | None) -> Any:
        from vllm.sampling_params import StructuredOutputsParams

        return sampling_params(
            n=1,
            temperature=self._sampling.temperature,
            top_p=self._sampling.top_p,
            top_k=0,
            min_p=0.0,
            repetition_penalty=1.0,
            max_tokens=self._sampling.max_new_tokens,
            stop=list(self._sampling.stop),
            structured_outputs=StructuredOutputsParams(json=dict(schema)) if schema else None,
        )


def _backend(tokenizer: Any) -> Any:
    """A copy of the `tokenizers` object behind a tokenizer, without truncation and padding.

    None where there is none.
    """
    if not hasattr(tokenizer, "backend_tokenizer"):
        return None
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    backend.no_truncation()
    backend.no_padding()
    return backend


def _logprobs(scored: Scored, outputs: list[Any]) -> list[float]:
    """Log-probability of each continuation.

    It is that of its first token where one step tells the continuations apart, else the sum over
    all its tokens.
    """
    if scored.in_one_step:
        next_token = outputs[0].outputs[0].logprobs[0]
        return [token_logprob(next_token, rest[0]) for rest in scored.rests]
    start = len(scored.shared)
    return [
        sum(token_logprob(out.prompt_logprobs[start + at], token) for at, token in enumerate(rest))
        for out, rest in zip(outputs, scored.rests, strict=True)
    ]
