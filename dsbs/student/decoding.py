"""Reading a student: generated text, and the likelihood of given label texts. Both in batches of like length."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.batching import IGNORED, pad_rows
from dsbs.student.encoding import cut, prompt_ids
from dsbs.student.forward import wanted_logits
from dsbs.student.loss import sequence_losses
from dsbs.student.precision import pays_in_bf16

_SHORT = 64
"""Tokens of an input below which a batch may have more rows."""

_CLOSE = 0.25
"""Nats by which the best must be ahead in bf16, or the row is read again in fp32."""


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
    prompt: str = "",
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[str]:
    """The greedy continuation of every input, special tokens removed, in the order of the inputs.

    A text is decoded no further than `stop`, where one is given. The decoder reads `prompt` first.
    """
    rows, before = _encode(tokenizer, inputs, max_input_tokens), prompt_ids(tokenizer, prompt)
    texts = [""] * len(inputs)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = _pad(tokenizer, [rows[i] for i in batch], model.device)
        said, margins = _greedy(model, tokenizer, ids, mask, before, most=max_new_tokens, stop=stop)
        for i, text in zip(batch, tokenizer.batch_decode(said, skip_special_tokens=True), strict=True):
            texts[i] = text.strip()
        return margins

    _read_all(model, rows, read, batch_size, on_batch)
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
    margins, live, told, cache = [math.inf] * len(ids), list(range(len(ids))), _start(model, ids, before), None
    for _ in range(most):
        inputs = {"encoder_outputs": BaseModelOutput(last_hidden_state=states), "attention_mask": mask}
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
            states, mask, told, live = states[kept], mask[kept], told[kept], [live[i] for i in kept.tolist()]
    return said, margins


def _likeliest(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The likeliest token (B, 1) by its logits (B, V), and how far it is ahead of the second (B,)."""
    best = logits.max(dim=-1, keepdim=True)
    second = logits.scatter(-1, best.indices, -torch.inf).amax(dim=-1)
    return best.indices, best.values[:, 0].float() - second.float()


def _start(model: PreTrainedModel, rows: torch.Tensor, before: Sequence[int]) -> torch.Tensor:
    """What the decoder reads before the first token it says, the start token and P of a prompt: (B, 1 + P)."""
    found: torch.Tensor = model.prepare_decoder_input_ids_from_labels(rows[:, :1])
    return torch.cat([found, found.new_tensor(before).expand(len(rows), -1)], dim=1)


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
    prompt: str = "",
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[dict[str, float]]:
    """For every row the log-likelihood of each different label: the sum over its tokens and what ends it.

    The decoder reads `prompt` first. The tokens of `before` are given, not scored. An input is encoded once for all of its
    labels.
    """
    encoded = _encode(tokenizer, [row.input for row in rows], max_input_tokens)
    scores, before = list[dict[str, float]]({} for _ in rows), prompt_ids(tokenizer, prompt)

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = _pad(tokenizer, [encoded[i] for i in batch], model.device)
        wanted = [(at, rows[i], label) for at, i in enumerate(batch) for label in dict.fromkeys(rows[i].labels)]
        found = _likelihoods(model, tokenizer, ids, mask, before, wanted).tolist()
        for i in batch:
            scores[i] = {}
        for (at, _, label), score in zip(wanted, found, strict=True):
            scores[batch[at]][label] = score
        return [_lead(scores[i].values()) for i in batch]

    _read_all(model, encoded, read, batch_size, on_batch)
    return scores


def _likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    ids: torch.Tensor,
    mask: torch.Tensor,
    before: Sequence[int],
    wanted: Sequence[tuple[int, Candidates, str]],
) -> torch.Tensor:
    """Log-likelihood of each wanted (row of the batch, candidates, label), (W,).

    What an input's labels share is computed once: its encoding, its keys and values, and the decoder's first places.
    """
    said, scored = _label_tokens(tokenizer, wanted, ids.device)  # (W, Y)
    index = torch.tensor([at for at, _, _ in wanted], device=ids.device)
    states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)
    inputs = {"encoder_outputs": BaseModelOutput(last_hidden_state=states), "attention_mask": mask}
    out = model(**inputs, decoder_input_ids=_start(model, ids, before), use_cache=True)
    first = F.log_softmax(out.logits[:, -1].float(), dim=-1)[index]  # (W, V)
    given = scored[:, 0].eq(IGNORED)
    found = first.gather(1, said[:, :1])[:, 0].masked_fill(given, 0.0)
    if said.shape[1] == 1:
        return found
    cache = out.past_key_values
    cache.batch_select_indices(index)
    inputs = {"encoder_outputs": BaseModelOutput(last_hidden_state=states[index]), "attention_mask": mask[index]}
    read = said[:, :-1].masked_fill(said[:, :-1].eq(IGNORED), tokenizer.pad_token_id)
    behind = scored[:, 1:]
    with wanted_logits(model, behind.ne(IGNORED)):
        logits = model(**inputs, decoder_input_ids=read, past_key_values=cache, use_cache=True).logits
    return found - sequence_losses(logits, behind)


def _label_tokens(
    tokenizer: PreTrainedTokenizerBase, wanted: Sequence[tuple[int, Candidates, str]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """What the decoder says for each wanted label, and what of it is scored, both (W, Y)."""
    texts = [" ".join(filter(None, [row.before, label, row.after])) for _, row, label in wanted]
    targets = tokenizer(text_target=texts).input_ids
    end = tokenizer.eos_token_id
    targets = [t[:-1] if row.after and t[-1] == end else t for t, (_, row, _) in zip(targets, wanted, strict=True)]
    given = [_shared_prefix(tokenizer, row.before, t) for t, (_, row, _) in zip(targets, wanted, strict=True)]
    said = pad_rows(targets, IGNORED).to(device)
    scored = said.clone()
    for row, length in enumerate(given):
        scored[row, :length] = IGNORED
    return said, scored


def _lead(scores: Iterable[float]) -> float:
    """How far the best score is ahead of the second."""
    ordered = sorted(scores, reverse=True)
    return ordered[0] - ordered[1] if len(ordered) > 1 else math.inf


def _read_all(
    model: PreTrainedModel,
    rows: Sequence[list[int]],
    read: Callable[[Sequence[int]], Sequence[float]],
    batch_size: int,
    on_batch: Callable[[int], None],
) -> None:
    """Read every row, in bf16 first where that is faster, and again in fp32 where it was close: the labels are the same.

    `read` keeps what it finds in a batch, and says how far the answer of each row was ahead of the next.
    """
    left = list(range(len(rows)))
    for half in (True, False) if pays_in_bf16(model) else (False,):
        close: list[int] = []
        with torch.autocast(model.device.type, torch.bfloat16, enabled=half):
            for batch in _by_length(rows, left, batch_size):
                margins = read(batch)
                again = [i for i, margin in zip(batch, margins, strict=True) if half and margin < _CLOSE]
                on_batch(len(batch) - len(again))
                close += again
        left = close


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


def _by_length(rows: Sequence[list[int]], among: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """Row numbers in batches, longest rows first: little padding, and running out of memory shows at once.

    A batch has `size` rows, and more of short ones: as many as have the tokens of `size` rows of `_SHORT`.
    """
    order, at = sorted(among, key=lambda i: -len(rows[i])), 0
    while at < len(order):
        count = max(size, size * _SHORT // len(rows[order[at]]))
        yield order[at : at + count]
        at += count


def _pad(
    tokenizer: PreTrainedTokenizerBase, rows: Sequence[list[int]], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    ids = pad_rows(rows, tokenizer.pad_token_id)
    mask = pad_rows([[1] * len(row) for row in rows], 0)
    return ids.to(device), mask.to(device)
