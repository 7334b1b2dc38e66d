"""Reads a student by generating text."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.student.families import family_of
from dsbs.student.reading import Reading
from dsbs.student.two_precision import encode, pad, read_all


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
        inputs: What the student reads.
        max_input_tokens: Longer inputs are cut.
        max_new_tokens: Most tokens to generate.
        batch_size: Rows per batch; short rows come in larger batches.
        stop: A row ends once its text contains this.
        prompt: The task's prefix, where it stands between the input and the target.
        on_batch: Called with the number of rows of each batch that is done.
    """
    family = family_of(model.config)
    codec = family.codec(tokenizer, model.config)
    rows = encode(codec, inputs, max_input_tokens)
    before = codec.prompt(prompt)
    texts = [""] * len(inputs)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [rows[i] for i in batch], model.device)
        reading = family.read(model, ids, mask)
        ends = _ends(model, tokenizer)
        found = _greedy(reading, tokenizer, before, ends, max_new_tokens=max_new_tokens, stop=stop)
        decoded = tokenizer.batch_decode(found.tokens, skip_special_tokens=True)
        for i, text in zip(batch, decoded, strict=True):
            texts[i] = text.strip()
        return found.margins

    read_all(model, rows, read, batch_size, on_batch)
    return texts


def _greedy(
    reading: Reading,
    tokenizer: PreTrainedTokenizerBase,
    prompt: Sequence[int],
    ends: Sequence[int],
    *,
    max_new_tokens: int,
    stop: str,
) -> _Generated:
    """Greedy decoding behind inputs that have been read.

    A row leaves the batch with its end token, so that the longest row does not hold up the others.
    """
    ids = reading.start(prompt)
    last = torch.tensor(ends, device=ids.device)
    tokens: list[list[int]] = [[] for _ in ids]
    margins = [math.inf] * len(ids)
    live = list(range(len(ids)))
    for _ in range(max_new_tokens):
        ids, leads = _likeliest(reading.logits(ids)[:, -1])
        chosen = zip(live, ids.flatten().tolist(), leads.tolist(), strict=True)
        for row, token, lead in chosen:
            tokens[row].append(token)
            margins[row] = min(margins[row], lead)
        going = torch.isin(ids[:, 0], last, invert=True)
        if stop:
            texts = tokenizer.batch_decode([tokens[row] for row in live])
            going &= torch.tensor([stop not in text for text in texts], device=going.device)
        kept = going.nonzero()[:, 0]
        if not len(kept):
            break
        if len(kept) < len(live):
            reading.keep(kept)
            ids = ids[kept]
            live = [live[i] for i in kept.tolist()]
    return _Generated(tokens, margins)


def _ends(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The tokens that end a text."""
    known = model.generation_config.eos_token_id
    ends = known if isinstance(known, list) else [known]
    return [end for end in dict.fromkeys([*ends, tokenizer.eos_token_id]) if end is not None]


def _likeliest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest tokens (B, 1) of logits (B, V), and their lead over the second (B,)."""
    best = logits.max(dim=-1, keepdim=True)
    second = logits.scatter(-1, best.indices, -torch.inf).amax(dim=-1)
    return best.indices, best.values[:, 0].float() - second.float()
