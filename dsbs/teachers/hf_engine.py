"""A causal language model through transformers, in batches, for machines on which vLLM does not install."""

import json
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, Self

import torch
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.teachers.async_bridge import groups
from dsbs.teachers.label_scoring import by_label, encode_continuations, split_shared
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import Prompt, Sampling

_WORTH_SHARING = 32
"""So many tokens must the prompts of a batch share before reading them once pays."""


class TransformersTeacher:
    """Answers come batch by batch; a schema cannot be enforced here."""

    def __init__(
        self,
        model: str,
        sampling: Sampling,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        batch_size: int = 16,
        api: str = "auto",
        device: str | None = None,
    ) -> None:
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        self.name, self._batch_size = model, batch_size
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(
                model, revision=revision, padding_side="left"
            )
            self._model = AutoModelForCausalLM.from_pretrained(
                model, revision=revision, dtype=dtype
            )
        except (OSError, ValueError) as error:
            got, expected = str(error).splitlines()[0], "a causal language model"
            raise InputError(
                f"--model {model}", got=got, expected=expected, fix="check name and network"
            ) from None
        self._model.to(
            device or torch.accelerator.current_accelerator(check_available=True) or "cpu"
        ).eval()
        self._tokenizer.pad_token = self._tokenizer.pad_token or self._tokenizer.eos_token
        template = self._tokenizer.chat_template
        self.chat = api == "chat" or (api == "auto" and template is not None)
        self._sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(
            model, revision, chat_template=template if self.chat else None
        )

    def complete(
        self, prompts: Iterable[Prompt | None]
    ) -> Generator[Completion | None, None, None]:
        for batch in groups(prompts, self._batch_size):
            fitting = []
            for prompt in batch or ():
                if prompt.labels:
                    yield self._score(prompt)
                elif error := self._misfit(prompt):
                    yield Completion(prompt.id, "", error=error)
                else:
                    fitting.append(prompt)
            if fitting:
                yield from self._generate(fitting)
            yield None

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(ids) for ids in self._tokenizer(texts).input_ids]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        del self._model

    def _text(self, prompt: Prompt) -> str:
        if not prompt.messages:
            return prompt.text
        extra = json.loads(self._sampling.extra).get("chat_template_kwargs", {})
        text: str = self._tokenizer.apply_chat_template(
            [dict(message) for message in prompt.messages],
            tokenize=False,
            add_generation_prompt=True,
            **extra,
        )
        return text

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text).input_ids
        return ids

    def _misfit(self, prompt: Prompt) -> str:
        """Why this prompt cannot be answered, or ""."""
        if prompt.schema is not None:
            return "transformers cannot hold an answer to a schema; use vllm or an endpoint"
        limit = getattr(self._model.config, "max_position_embeddings", None)
        tokens = len(self._encode(self._text(prompt)))
        if limit is not None and tokens >= limit:
            return f"the prompt has {tokens} tokens; the model's context length is {limit}"
        return ""

    @torch.inference_mode()
    def _generate(self, prompts: list[Prompt]) -> Iterator[Completion]:
        sampling = self._sampling
        inputs = self._inputs(prompts)
        drawn: dict[str, Any] = {
            "do_sample": False,
            "temperature": None,
            "top_p": None,
            "top_k": None,
        }
        if sampling.temperature > 0:
            drawn = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": 0,
            }
        stop = (
            {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
            if sampling.stop
            else {}
        )
        out = self._model.generate(
            **inputs,
            **drawn,
            **stop,
            max_new_tokens=sampling.max_new_tokens,
            repetition_penalty=1.0,
            pad_token_id=self._tokenizer.pad_token_id,
        )
        width, masks = inputs["input_ids"].shape[1], inputs["attention_mask"]
        for prompt, ids, mask in zip(prompts, out[:, width:], masks, strict=True):
            yield self._completion(prompt, ids.tolist(), int(mask.sum()))

    def _inputs(self, prompts: list[Prompt]) -> dict[str, Any]:
        """What `generate` takes. What all prompts begin with, their demonstrations, is read once for all of them."""
        texts = [self._text(prompt) for prompt in prompts]
        rows = self._tokenizer(texts, add_special_tokens=not prompts[0].messages).input_ids
        shared, rests = split_shared(rows)
        if len(rows) == 1 or len(shared) < _WORTH_SHARING or not self._looks_back_everywhere():
            shared, rests = [], rows
        width = max(map(len, rests))
        pads = [[self._tokenizer.pad_token_id] * (width - len(rest)) for rest in rests]
        # Padding stands between the shared part and the rest, so that the shared part keeps its place.
        ids = [[*shared, *pad, *rest] for pad, rest in zip(pads, rests, strict=True)]
        mask = [[1] * len(shared) + [0] * len(pad) + [1] * (width - len(pad)) for pad in pads]
        inputs: dict[str, Any] = {
            "input_ids": torch.tensor(ids, device=self._model.device),  # (prompts, tokens)
            "attention_mask": torch.tensor(mask, device=self._model.device),
        }
        return inputs | ({"past_key_values": self._read(shared, len(rows))} if shared else {})

    def _read(self, shared: list[int], count: int) -> DynamicCache:
        """Keys and values of these tokens, for this many prompts."""
        cache = DynamicCache(config=self._model.config)
        ids = torch.tensor([shared], device=self._model.device)
        self._model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(count)
        return cache

    def _looks_back_everywhere(self) -> bool:
        """Whether every layer attends to all tokens before. Others count padding as distance, or keep a state."""
        config = self._model.config.get_text_config()
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        window = getattr(config, "sliding_window", None)
        return kinds == {"full_attention"} and not window and not self._model._is_stateful

    def _completion(self, prompt: Prompt, ids: list[int], prompt_tokens: int) -> Completion:
        """What was generated up to its end token or the first stop string."""
        ends = {self._tokenizer.eos_token_id, self._tokenizer.pad_token_id}
        length = next((at for at, token in enumerate(ids) if token in ends), len(ids))
        text = self._tokenizer.decode(ids[:length], skip_special_tokens=True)
        stops = [at for stop in self._sampling.stop if (at := text.find(stop)) >= 0]
        stopped = bool(stops) or length < len(ids) or length < self._sampling.max_new_tokens
        text = text[: min(stops)] if stops else text
        return Completion(prompt.id, text, "stop" if stopped else "length", prompt_tokens, length)

    @torch.inference_mode()
    def _score(self, prompt: Prompt) -> Completion:
        scored = encode_continuations(self._encode, prompt.text, prompt.labels)
        logprobs, start, tokens = [], len(scored.shared), 0
        for rest in scored.rests:
            # Where the next token tells the labels apart it alone counts, as with vLLM.
            rest = rest[:1] if scored.in_one_step else rest
            ids = torch.tensor([[*scored.shared, *rest]], device=self._model.device)
            found = F.log_softmax(self._model(ids).logits[0].float(), dim=-1)  # (tokens, V)
            logprobs.append(
                sum(found[start - 1 + at, token].item() for at, token in enumerate(rest))
            )
            tokens += ids.shape[1]
        return Completion(
            prompt.id, "", "score", tokens, 0, label_scores=by_label(prompt.labels, logprobs)
        )
