"""Reads a student by the likelihood that it gives to label texts."""

import copy
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase
from transformers.modeling_outputs import BaseModelOutput

from dsbs.student.candidates import Candidates, LabelText, label_ids_of, label_texts
from dsbs.student.encoding import prompt_ids
from dsbs.student.forward import logits_only_at
from dsbs.student.length_groups import split_by_length
from dsbs.student.padding import IGNORED, pad_rows, sequence_losses
from dsbs.student.two_precision import decoder_start, encode, pad, read_all

_PASS_COST = 64
"""Tokens of padding that another pass must save to be worth it."""


class _LabelTokens(NamedTuple):
    ids: torch.Tensor
    """(W, Y): what the decoder produces for each of W labels, IGNORED at padding."""
    scored: torch.Tensor
    """(W, Y): the same, IGNORED also where tokens are given and not scored."""


@torch.no_grad()
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
    """For every row, the log-likelihood of each different label.

    It is the sum over the label's tokens and what ends it. An input is encoded once for all of its
    labels.

    Args:
        model: The student's model.
        tokenizer: Its tokenizer.
        rows: Inputs and their labels.
        max_input_tokens: Longer inputs are cut.
        batch_size: Rows per batch; short rows come in larger batches.
        prompt: What the decoder reads first.
        on_batch: Called with the number of rows of each batch that is done.
    """
    encoded = encode(tokenizer, [row.input for row in rows], max_input_tokens)
    before = prompt_ids(tokenizer, prompt)
    scores: list[dict[str, float]] = [{} for _ in rows]

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [encoded[i] for i in batch], model.device)
        labels = label_texts([rows[i] for i in batch])
        likelihoods = _likelihoods(model, tokenizer, ids, mask, before, labels).tolist()
        for i in batch:
            scores[i] = {}
        for label, likelihood in zip(labels, likelihoods, strict=True):
            scores[batch[label.row]][label.label] = likelihood
        return [_lead(scores[i].values()) for i in batch]

    read_all(model, encoded, read, batch_size, on_batch)
    return scores


def _likelihoods(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    ids: torch.Tensor,
    mask: torch.Tensor,
    prompt: Sequence[int],
    labels: Sequence[LabelText],
) -> torch.Tensor:
    """The log-likelihood of each of W labels for inputs (B, X), (W,).

    What the labels of an input share is computed once: its encoding, its keys and values, and the
    decoder's first positions.
    """
    tokens = _label_tokens(tokenizer, labels, ids.device)
    row_of = torch.tensor([label.row for label in labels], device=ids.device)
    states = model.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)

    def decode(rows: torch.Tensor | slice, decoder_ids: torch.Tensor, cache: Cache | None) -> Any:
        return model(
            encoder_outputs=BaseModelOutput(last_hidden_state=states[rows]),
            attention_mask=mask[rows],
            decoder_input_ids=decoder_ids,
            past_key_values=cache,
            use_cache=True,
        )

    out = decode(slice(None), decoder_start(model, ids, prompt), None)
    first = F.log_softmax(out.logits[:, -1].float(), dim=-1)[row_of]  # (W, V)
    likelihoods = first.gather(1, tokens.ids[:, :1])[:, 0]
    likelihoods = likelihoods.masked_fill(tokens.scored[:, 0].eq(IGNORED), 0.0)
    for group in _groups_of_longer(tokens.ids):
        width = int(tokens.ids[group].ne(IGNORED).sum(dim=1).max())
        decoder_ids = tokens.ids[group, : width - 1]
        decoder_ids = decoder_ids.masked_fill(decoder_ids.eq(IGNORED), tokenizer.pad_token_id)
        rest = tokens.scored[group, 1:width]
        cache = copy.deepcopy(out.past_key_values)
        cache.batch_select_indices(row_of[group])
        with logits_only_at(model, rest.ne(IGNORED)):
            logits = decode(row_of[group], decoder_ids, cache).logits
        likelihoods[group] -= sequence_losses(logits, rest)
    return likelihoods


def _groups_of_longer(ids: torch.Tensor) -> list[torch.Tensor]:
    """The rows (W, Y) of more than one token, in groups of similar length."""
    lengths = ids.ne(IGNORED).sum(dim=1)
    longer = lengths.gt(1).nonzero()[:, 0]
    if not len(longer):
        return []
    columns = F.pad(lengths[longer, None], (1, 0)).cpu().numpy()
    groups = split_by_length(columns, min_saved=_PASS_COST)
    return [longer[torch.as_tensor(group, device=ids.device)] for group in groups]


def _label_tokens(
    tokenizer: PreTrainedTokenizerBase, labels: Sequence[LabelText], device: torch.device
) -> _LabelTokens:
    found = label_ids_of(
        labels,
        encode=lambda texts: tokenizer(text_target=texts).input_ids,
        encode_bare=lambda texts: tokenizer(text_target=texts, add_special_tokens=False).input_ids,
        end=tokenizer.eos_token_id,
    )
    ids = pad_rows([label.ids for label in found], IGNORED).to(device)
    scored = ids.clone()
    for row, label in enumerate(found):
        scored[row, : label.given] = IGNORED
    return _LabelTokens(ids, scored)


def _lead(scores: Iterable[float]) -> float:
    """How far the best score is ahead of the second."""
    ordered = sorted(scores, reverse=True)
    return ordered[0] - ordered[1] if len(ordered) > 1 else math.inf
