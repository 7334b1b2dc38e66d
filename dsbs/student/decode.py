"""Reading a student by the text that it generates."""

import math
from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.encoding import prompt_ids
from dsbs.student.two_precision import encode, pad, read_all, start


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
    """The greedy continuation of every input, special tokens removed, in the order of the inputs.

    A text is decoded no further than `stop`, where one is given. The decoder reads `prompt` first.
    """
    rows, before = encode(tokenizer, inputs, max_input_tokens), prompt_ids(tokenizer, prompt)
    texts = [""] * len(inputs)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [rows[i] for i in batch], model.device)
        said, margins = _greedy(model, tokenizer, ids, mask, before, most=max_new_tokens, stop=stop)
        for i, text in zip(
            batch, tokenizer.batch_decode(said, skip_special_tokens=True), strict=True
        ):
            texts[i] = text.strip()
        return margins

    read_all(model, rows, read, batch_size, on_batch)
    return texts


def _greedy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    ids: torch.Tensor,
    mask: torch.Tensor,
    before: Sequence[int],
    *,
    most: int,
    stop: str,
) -> tuple[list[list[int]], list[float]]:
    """The likeliest token again and again for inputs (B, X): every row's tokens, and by how much its closest was ahead.

    A row leaves the batch with its end token, so that the last one to end does not hold up the others.
    """
    states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)
    ends = torch.tensor(model.generation_config.eos_token_id, device=ids.device)
    said: list[list[int]] = [[] for _ in ids]
    margins, live, told, cache = (
        [math.inf] * len(ids),
        list(range(len(ids))),
        start(model, ids, before),
        None,
    )
    for _ in range(most):
        inputs = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=states),
            "attention_mask": mask,
        }
        out = model(**inputs, decoder_input_ids=told, past_key_values=cache, use_cache=True)
        told, ahead = _likeliest(out.logits[:, -1])
        for row, token, margin in zip(live, told.flatten().tolist(), ahead.tolist(), strict=True):
            said[row].append(token)
            margins[row] = min(margins[row], margin)
        going = torch.isin(told[:, 0], ends, invert=True)
        if stop:
            stopped = [stop in text for text in tokenizer.batch_decode([said[row] for row in live])]
            going &= ~torch.tensor(stopped, device=going.device)
        cache, kept = out.past_key_values, going.nonzero()[:, 0]
        if not len(kept):
            break
        if len(kept) < len(live):
            cache.batch_select_indices(kept)
            states, mask, told, live = (
                states[kept],
                mask[kept],
                told[kept],
                [live[i] for i in kept.tolist()],
            )
    return said, margins


def _likeliest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest token (B, 1) by its logits (B, V), and how far it is ahead of the second (B,)."""
    best = logits.max(dim=-1, keepdim=True)
    second = logits.scatter(-1, best.indices, -torch.inf).amax(dim=-1)
    return best.indices, best.values[:, 0].float() - second.float()
