"""Reading a student: generated text, and the likelihood of given label texts. Both in batches of like length."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.batching import IGNORED, pad_rows
from dsbs.student.encoding import cut
from dsbs.student.forward import target_logits
from dsbs.student.loss import sequence_losses

T = TypeVar("T")

_SHORT = 64
"""Tokens of an input below which a batch may have more rows."""


@torch.inference_mode()
def generate_texts(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    inputs: Sequence[str],
    *,
    max_input_tokens: int,
    max_new_tokens: int,
    batch_size: int,
    stop: str = "",
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """The greedy continuation of every input, special tokens removed, in the order of the inputs.

    A text is decoded no further than `stop`, where one is given.
    """
    rows = _encode(tokenizer, inputs, max_input_tokens)
    ending: dict[str, Any] = {"stop_strings": [stop], "tokenizer": tokenizer} if stop else {}
    texts = [""] * len(inputs)
    for batch in _by_length(rows, batch_size):
        ids, mask = _pad(tokenizer, [rows[i] for i in batch], model.device)
        limits = {"max_new_tokens": max_new_tokens, "do_sample": False, "num_beams": 1, **ending}
        out = model.generate(input_ids=ids, attention_mask=mask, **limits)
        for i, text in zip(batch, tokenizer.batch_decode(out, skip_special_tokens=True), strict=True):
            texts[i] = text.strip()
        on_batch(len(batch))
    return texts


@dataclass(frozen=True)
class Candidates:
    """Texts that may follow an input: each is `before` + one of `labels` + `after` (an empty `after` is the end token)."""

    input: str
    labels: tuple[str, ...]
    before: str = ""
    after: str = ""


@torch.inference_mode()
def score_labels(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Candidates],
    *,
    max_input_tokens: int,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[dict[str, float]]:
    """For every row the log-likelihood of each different label: the sum over its tokens and what ends it.

    The tokens of `before` are given, not scored. An input is encoded once for all of its labels.
    """
    encoded = _encode(tokenizer, [row.input for row in rows], max_input_tokens)
    scores: list[dict[str, float]] = [{} for _ in rows]
    for batch in _by_length(encoded, batch_size):
        ids, mask = _pad(tokenizer, [encoded[i] for i in batch], model.device)
        states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)
        wanted = [(at, i, label) for at, i in enumerate(batch) for label in dict.fromkeys(rows[i].labels)]
        for part in _chunks(wanted, 4 * batch_size):
            found = _likelihoods(model, tokenizer, states, mask, [(at, rows[i], label) for at, i, label in part])
            for (_, i, label), score in zip(part, found.tolist(), strict=True):
                scores[i][label] = score
        on_batch(len(batch))
    return scores


def _likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    states: torch.Tensor,
    mask: torch.Tensor,
    wanted: Sequence[tuple[int, Candidates, str]],
) -> torch.Tensor:
    """Log-likelihood of each wanted (row of the batch, candidates, label), (W,)."""
    texts = [" ".join(filter(None, [row.before, label, row.after])) for _, row, label in wanted]
    targets = tokenizer(text_target=texts).input_ids
    end = tokenizer.eos_token_id
    targets = [t[:-1] if row.after and t[-1] == end else t for t, (_, row, _) in zip(targets, wanted, strict=True)]
    given = [_shared_prefix(tokenizer, row.before, t) for t, (_, row, _) in zip(targets, wanted, strict=True)]
    index = torch.tensor([at for at, _, _ in wanted], device=model.device)
    said = pad_rows(targets, IGNORED).to(model.device)  # (W, Y)
    scored = said.clone()
    for row, length in enumerate(given):
        scored[row, :length] = IGNORED
    inputs = {"encoder_outputs": BaseModelOutput(last_hidden_state=states[index]), "attention_mask": mask[index]}
    return -sequence_losses(target_logits(model, model, scored, inputs, said=said), scored)


def _shared_prefix(tokenizer: PreTrainedTokenizerBase, before: str, target: list[int]) -> int:
    """How many of the target's first tokens belong to `before`."""
    if not before:
        return 0
    ids = tokenizer(text_target=before, add_special_tokens=False).input_ids
    return next((at for at, (a, b) in enumerate(zip(ids, target, strict=False)) if a != b), min(len(ids), len(target)))


def _encode(tokenizer: PreTrainedTokenizerBase, inputs: Sequence[str], limit: int) -> list[list[int]]:
    if not inputs:
        return []
    return [cut(ids, limit, tokenizer.eos_token_id) for ids in tokenizer(list(inputs)).input_ids]


def _by_length(rows: Sequence[list[int]], size: int) -> Iterator[Sequence[int]]:
    """Row numbers in batches, longest rows first: little padding, and running out of memory shows at once.

    A batch has `size` rows, and more of short ones: as many as have the tokens of `size` rows of `_SHORT`.
    """
    order, at = sorted(range(len(rows)), key=lambda i: -len(rows[i])), 0
    while at < len(order):
        count = max(size, size * _SHORT // len(rows[order[at]]))
        yield order[at : at + count]
        at += count


def _chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


def _pad(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    ids = pad_rows(rows, tokenizer.pad_token_id)
    mask = pad_rows([[1] * len(row) for row in rows], 0)
    return ids.to(device), mask.to(device)
