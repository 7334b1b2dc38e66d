"""Reads a student by generating text."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.encoding import prompt_ids
from dsbs.student.two_precision import decoder_start, encode, pad, read_all


class _Generated(NamedTuple):
    tokens: list[list[int]]
    margins: list[float]
    """For every row, the smallest lead of a chosen token over the second likeliest."""


@torch.no_grad()
def generate_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    inputs: Sequence[str],
    *,
    max_input_tokens: int,
    max_new_tokens: int,
    batch_size: int,
    stop: str = "",
    prompt: str = "",
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """The greedy continuation of every input, without special tokens, in the order of the inputs.

    Args:
        model: The student's model.
        tokenizer: Its tokenizer.
        inputs: What the encoder reads.
        max_input_tokens: Longer inputs are cut.
        max_new_tokens: Most tokens to generate.
        batch_size: Rows per batch; short rows come in larger batches.
        stop: A row ends once its text contains this.
        prompt: What the decoder reads first.
        on_batch: Called with the number of rows of each batch that is done.
    """
    rows = encode(tokenizer, inputs, max_input_tokens)
    before = prompt_ids(tokenizer, prompt)
    texts = [""] * len(inputs)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [rows[i] for i in batch], model.device)
        found = _greedy(
            model, tokenizer, ids, mask, before, max_new_tokens=max_new_tokens, stop=stop
        )
        decoded = tokenizer.batch_decode(found.tokens, skip_special_tokens=True)
        for i, text in zip(batch, decoded, strict=True):
            texts[i] = text.strip()
        return found.margins

    read_all(model, rows, read, batch_size, on_batch)
    return texts


def _greedy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    ids: torch.Tensor,
    mask: torch.Tensor,
    prompt: Sequence[int],
    *,
    max_new_tokens: int,
    stop: str,
) -> _Generated:
    """Greedy decoding of inputs (B, X).

    A row leaves the batch with its end token, so that the longest row does not hold up the others.
    """
    states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)
    ends = torch.tensor(model.generation_config.eos_token_id, device=ids.device)
    tokens: list[list[int]] = [[] for _ in ids]
    margins = [math.inf] * len(ids)
    live = list(range(len(ids)))
    decoder_ids = decoder_start(model, ids, prompt)
    cache = None
    for _ in range(max_new_tokens):
        out = model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=mask,
            decoder_input_ids=decoder_ids,
            past_key_values=cache,
            use_cache=True,
        )
        decoder_ids, leads = _likeliest(out.logits[:, -1])
        chosen = zip(live, decoder_ids.flatten().tolist(), leads.tolist(), strict=True)
        for row, token, lead in chosen:
            tokens[row].append(token)
            margins[row] = min(margins[row], lead)
        going = torch.isin(decoder_ids[:, 0], ends, invert=True)
        if stop:
            texts = tokenizer.batch_decode([tokens[row] for row in live])
            going &= torch.tensor([stop not in text for text in texts], device=going.device)
        cache = out.past_key_values
        kept = going.nonzero()[:, 0]
        if not len(kept):
            break
        if len(kept) < len(live):
            cache.batch_select_indices(kept)
            states = states[kept]
            mask = mask[kept]
            decoder_ids = decoder_ids[kept]
            live = [live[i] for i in kept.tolist()]
    return _Generated(tokens, margins)


def _likeliest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens (B, 1) of logits (B, V), and their lead over the second (B,)."""
    best = logits.max(dim=-1, keepdim=True)
    second = logits.scatter(-1, best.indices, -torch.inf).amax(dim=-1)
    return best.indices, best.values[:, 0].float() - second.float()
