"""Reads a student by the likelihood that it gives to label texts."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import torch
from torch.nn import functional as F
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.student.candidates import Adjust, Candidates, LabelText, label_ids_of, label_texts, total
from dsbs.student.codec import Codec
from dsbs.student.families import family_of
from dsbs.student.forward import logits_only_at
from dsbs.student.length_groups import split_by_length
from dsbs.student.padding import IGNORED, pad_rows, sequence_losses
from dsbs.student.reading import Reading
from dsbs.student.two_precision import encode, pad, read_all

_PASS_COST = 64
"""Tokens of padding that another pass must save to be worth it."""


class _Likelihoods(NamedTuple):
    values: list[float]
    """The log-likelihood of each label."""
    tokens: list[int]
    """How many tokens each is a sum of."""


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
    adjust: Adjust = total,
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[dict[str, float]]:
    """For every row, the score of each different label.

    A log-likelihood is the sum over the label's tokens and what ends it. An input is encoded once
    for all of its labels.

    Args:
        model: The student's model.
        tokenizer: Its tokenizer.
        rows: Inputs and their labels.
        max_input_tokens: Longer inputs are cut.
        batch_size: Rows per batch; short rows come in larger batches.
        prompt: The task's prefix, where it stands between the input and the target.
        adjust: Makes a score of a log-likelihood. Default: the log-likelihood is the score.
        on_batch: Called with the number of rows of each batch that is done.
    """
    family = family_of(model.config)
    codec = family.codec(tokenizer, model.config)
    encoded = encode(codec, [row.input for row in rows], max_input_tokens)
    before = codec.prompt(prompt)
    scores: list[dict[str, float]] = [{} for _ in rows]

    def read(batch: Sequence[int]) -> list[float]:
        ids, mask = pad(tokenizer, [encoded[i] for i in batch], model.device)
        labels = label_texts([rows[i] for i in batch])
        reading = family.read(model, ids, mask)
        found = _likelihoods(model, reading, codec, before, labels)
        for i in batch:
            scores[i] = {}
        for label, likelihood, tokens in zip(labels, *found, strict=True):
            scores[batch[label.row]][label.label] = adjust(label.label, likelihood, tokens)
        return [lead(scores[i].values()) for i in batch]

    read_all(model, encoded, read, batch_size, on_batch)
    return scores


def _likelihoods(
    model: PreTrainedModel,
    reading: Reading,
    codec: Codec,
    prompt: Sequence[int],
    labels: Sequence[LabelText],
) -> _Likelihoods:
    """The log-likelihood of each of W labels for inputs that have been read.

    What the labels of an input share is computed once: the input, and what is written before them.
    """
    start = reading.start(prompt)
    tokens = _label_tokens(codec, labels, start.device)
    row_of = torch.tensor([label.row for label in labels], device=start.device)
    first = F.log_softmax(reading.logits(start)[:, -1].float(), dim=-1)[row_of]  # (W, V)
    likelihoods = first.gather(1, tokens.ids[:, :1])[:, 0]
    likelihoods = likelihoods.masked_fill(tokens.scored[:, 0].eq(IGNORED), 0.0)
    for group in _groups_of_longer(tokens.ids):
        width = int(tokens.ids[group].ne(IGNORED).sum(dim=1).max())
        ids = tokens.ids[group, : width - 1]
        rest = tokens.scored[group, 1:width]
        own = reading.fork(row_of[group])
        with logits_only_at(model, rest.ne(IGNORED)):
            logits = own.logits(ids.masked_fill(ids.eq(IGNORED), 0))
        likelihoods[group] -= sequence_losses(logits, rest)
    return _Likelihoods(likelihoods.tolist(), tokens.scored.ne(IGNORED).sum(dim=1).tolist())


def _groups_of_longer(ids: torch.Tensor) -> list[torch.Tensor]:
    """The rows (W, Y) of more than one token, in groups of similar length."""
    lengths = ids.ne(IGNORED).sum(dim=1)
    longer = lengths.gt(1).nonzero()[:, 0]
    if not len(longer):
        return []
    columns = F.pad(lengths[longer, None], (1, 0)).cpu().numpy()
    groups = split_by_length(columns, min_saved=_PASS_COST)
    return [longer[torch.as_tensor(group, device=ids.device)] for group in groups]


def _label_tokens(codec: Codec, labels: Sequence[LabelText], device: torch.device) -> _LabelTokens:
    found = label_ids_of(
        labels,
        encode=lambda texts: codec.unended(texts, ended=True),
        encode_bare=lambda texts: [codec.begin(text) for text in texts],
        end=codec.end,
    )
    ids = pad_rows([label.ids for label in found], IGNORED).to(device)
    scored = ids.clone()
    for row, label in enumerate(found):
        scored[row, : label.given] = IGNORED
    return _LabelTokens(ids, scored)


def lead(scores: Iterable[float]) -> float:
    """How far the best score is ahead of the second."""
    ordered = sorted(scores, reverse=True)
    return ordered[0] - ordered[1] if len(ordered) > 1 else math.inf
