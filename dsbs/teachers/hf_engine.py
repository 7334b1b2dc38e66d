"""A causal language model through transformers, in batches, where vLLM does not install."""

import math
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Self

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.core.start_token import give_start_token
from dsbs.teachers.async_bridge import groups
from dsbs.teachers.chat_template import model_text, wants_chat
from dsbs.teachers.hf_cache import read_shared
from dsbs.teachers.label_scoring import by_label, encode_continuations, split_shared
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import IDLE, EngineOptions, Idle, Prompt, Sampling, Wait

_BATCH = 32
"""Prompts per batch, where the options name no number."""

_WORTH_SHARING = 32
"""Tokens that the prompts of a batch must share before it pays to read them once."""


_NO_SCHEMA = "transformers cannot enforce a JSON schema; use --engine vllm or endpoint"


class TransformersTeacher:
    """Answers come batch by batch. A schema cannot be enforced here."""

    def __init__(
        self, options: EngineOptions, sampling: Sampling, *, device: str | None = None
    ) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.name = options.model
        self._batch_size = options.concurrency or _BATCH
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                options.model, revision=options.revision, padding_side="left"
            )
            self._model: Any = AutoModelForCausalLM.from_pretrained(
                options.model, revision=options.revision, dtype=options.dtype
            )
        except (OSError, ValueError) as error:
            raise InputError(
                f"--teacher {options.model}",
                got=str(error).splitlines()[0],
                expected="a causal language model",
                fix="check name and network",
            ) from None
        start_token = give_start_token(self._tokenizer, options.model)
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        model: Any = self._model
        model.to(device or accelerator or "cpu").eval()
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        self.chat = wants_chat(options.api, self._tokenizer)
        self.sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(
            options.model,
            options.revision,
            chat_template=self._tokenizer.chat_template if self.chat else None,
            start_token=start_token,
        )

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """See `Teacher.complete`."""
        for batch in groups(prompts, self._batch_size):
            asked = []
            for prompt in [] if isinstance(batch, Wait) else batch:
                if prompt.labels:
                    yield self._score(prompt)
                    yield IDLE
                elif prompt.schema is not None:
                    yield Completion(prompt.id, "", error=_NO_SCHEMA)
                else:
                    asked.append(prompt)
            if asked:
                yield from self._generate(asked)
            yield IDLE

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Tokens of each text."""
        return [len(ids) for ids in self._tokenizer(texts).input_ids]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        del self._model

    def _text(self, prompt: Prompt) -> str:
        return model_text(prompt, self._tokenizer, self.sampling)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text).input_ids
        return ids

    @torch.inference_mode()
    def _generate(self, prompts: list[Prompt]) -> Iterator[Completion]:
        texts = [self._text(prompt) for prompt in prompts]
        encoded = self._tokenizer(texts, add_special_tokens=not prompts[0].messages).input_ids
        limit = getattr(self._model.config, "max_position_embeddings", None) or math.inf
        fitting = []
        for prompt, ids in zip(prompts, encoded, strict=True):
            if len(ids) < limit:
                fitting.append((prompt, ids))
                continue
            error = f"the prompt has {len(ids)} tokens; the model's context length is {limit}"
            yield Completion(prompt.id, "", error=error)
        if not fitting:
            return
        inputs = self._inputs([ids for _, ids in fitting])
        out = self._model.generate(
            **inputs,
            **self._drawn(),
            max_new_tokens=self.sampling.max_new_tokens,
            repetition_penalty=1.0,
            pad_token_id=self._tokenizer.pad_token_id,
        )
        width = inputs["input_ids"].shape[1]
        for (prompt, prompt_ids), ids in zip(fitting, out[:, width:], strict=True):
            yield self._completion(prompt, ids.tolist(), len(prompt_ids))

    def _drawn(self) -> dict[str, Any]:
        """The sampling as `generate` takes it. None turns a default of the model off."""
        sampling = self.sampling
        drawn: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None}
        drawn["top_k"] = None
        if sampling.temperature > 0:
            drawn = {"do_sample": True, "temperature": sampling.temperature}
            drawn |= {"top_p": sampling.top_p, "top_k": 0}
        if sampling.stop:
            drawn |= {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        return drawn

    def _inputs(self, rows: list[list[int]]) -> dict[str, Any]:
        """The inputs of `generate`. The shared beginning of all prompts is read once."""
        shared, rests, _ = split_shared(rows)
        if len(rows) == 1 or len(shared) < _WORTH_SHARING or not self._looks_back_everywhere():
            shared, rests = [], rows
        width = max(map(len, rests))
        pads = [[self._tokenizer.pad_token_id] * (width - len(rest)) for rest in rests]
        # Padding stands between the shared part and the rest, so that the shared part keeps its
        # place.
        ids = [[*shared, *pad, *rest] for pad, rest in zip(pads, rests, strict=True)]
        mask = [[1] * len(shared) + [0] * len(pad) + [1] * (width - len(pad)) for pad in pads]
        inputs: dict[str, Any] = {
            "input_ids": torch.tensor(ids, device=self._model.device),  # (prompts, tokens)
            "attention_mask": torch.tensor(mask, device=self._model.device),
        }
        if shared:
            room = width + self.sampling.max_new_tokens
            cache = read_shared(self._model, shared, count=len(rows), room=room)
            inputs["past_key_values"] = cache
        return inputs

    def _looks_back_everywhere(self) -> bool:
        """Whether every layer attends to all earlier tokens.

        Other layers count padding as distance, or keep a state.
        """
        config = self._model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        window = getattr(config, "sliding_window", None)
        return kinds == {"full_attention"} and not window and not self._model._is_stateful

    def _completion(self, prompt: Prompt, ids: list[int], prompt_tokens: int) -> Completion:
        """The generated text up to its end token or the first stop string."""
        ends = {self._tokenizer.eos_token_id, self._tokenizer.pad_token_id}
        length = next((at for at, token in enumerate(ids) if token in ends), len(ids))
        text = str(self._tokenizer.decode(ids[:length], skip_special_tokens=True))
        stops = [at for stop in self.sampling.stop if (at := text.find(stop)) >= 0]
        stopped = bool(stops) or length < len(ids) or length < self.sampling.max_new_tokens
        text = text[: min(stops)] if stops else text
        return Completion(prompt.id, text, "stop" if stopped else "length", prompt_tokens, length)

    @torch.inference_mode()
    def _score(self, prompt: Prompt) -> Completion:
        scored = encode_continuations(self._encode, prompt.text, prompt.labels)
        # Where the next token tells the labels apart, it alone counts, as with vLLM.
        counted = [rest[:1] if scored.in_one_step else rest for rest in scored.rests]
        scores = by_label(prompt.labels, self._logprobs(scored.shared, counted))
        tokens = len(scored.shared) + sum(map(len, counted))
        return Completion(prompt.id, "", "score", tokens, 0, label_scores=scores)

    def _logprobs(self, context: list[int], continuations: list[list[int]]) -> list[float]:
        """Log-probability of each continuation of a context, which is read once."""
        if len(context) < _WORTH_SHARING or not self._looks_back_everywhere():
            return [self._logprob(context, continuation) for continuation in continuations]
        width = max(map(len, continuations))
        count = len(continuations)
        cache = read_shared(self._model, context[:-1], count=count, room=width)
        # Padding stands behind the tokens, which do not look ahead.
        rows = [[context[-1], *rest[:-1]] + [0] * (width - len(rest)) for rest in continuations]
        ids = torch.tensor(rows, device=self._model.device)  # (continuations, width)
        logits = self._model(ids, past_key_values=cache, use_cache=True).logits
        found = F.log_softmax(logits.float(), dim=-1)
        return [
            sum(found[row, at, token].item() for at, token in enumerate(rest))
            for row, rest in enumerate(continuations)
        ]

    def _logprob(self, context: list[int], continuation: list[int]) -> float:
        """The same for one continuation, in one pass over all tokens."""
        ids = torch.tensor([[*context, *continuation]], device=self._model.device)
        found = F.log_softmax(self._model(ids).logits[0].float(), dim=-1)  # (tokens, vocabulary)
        before = len(context) - 1
        return sum(found[before + at, token].item() for at, token in enumerate(continuation))
