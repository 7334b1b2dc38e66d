"""Reads an encoder by the scores that it gives to the allowed labels."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from dsbs.student.candidates import Candidates
from dsbs.student.encoder.codec import EncoderCodec
from dsbs.student.encoder.family import ENCODER
from dsbs.student.encoder.options import places_of, texts_of
from dsbs.student.padding import per_sequence
from dsbs.student.score import lead
from dsbs.student.two_precision import pad, read_all


@torch.no_grad()
def score_options(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[Candidates],
    *,
    max_input_tokens: int,
    batch_size: int,
    on_batch: Callable[[int], None] = lambda count: None,
) -> list[dict[str, float]]:
    """For every row, the log-probability of each of its labels among all of them.

    Args:
        model: The student's model.
        tokenizer: Its tokenizer.
        rows: Inputs and their labels.
        max_input_tokens: Longer inputs are cut.
        batch_size: Rows per batch; short rows come in larger batches.
        on_batch: Called with the number of rows of each batch that is done.
    """
    codec = ENCODER.codec(tokenizer, model.config)
    classes = _classes(model, codec)
    separator = codec.separator if codec.per_option else None
    texts = [texts_of(row, separator) for row in rows]
    ids = iter(codec.inputs([text for own in texts for text in own]))
    encoded = [[codec.cut_input(next(ids), max_input_tokens) for _ in own] for own in texts]
    scores: list[dict[str, float]] = [{} for _ in rows]

    def read(batch: Sequence[int]) -> list[float]:
        found = _log_probabilities(model, tokenizer, [encoded[i] for i in batch])
        for at, i in enumerate(batch):
            places = places_of(rows[i], classes)
            scores[i] = {label: float(found[at, place]) for label, place in places.items()}
        return [lead(scores[i].values()) for i in batch]

    whole = [[token for text in own for token in text] for own in encoded]
    read_all(model, whole, read, batch_size, on_batch)
    return scores


def _classes(model: PreTrainedModel, codec: EncoderCodec) -> dict[str, int] | None:
    """The place of each class; None where options are scored."""
    known: Any = model.config.label2id
    return None if codec.per_option else {label: int(place) for label, place in known.items()}


def _log_probabilities(
    model: Any, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Sequence[list[int]]]
) -> torch.Tensor:
    """(B, L), -inf where a row has fewer than L labels."""
    ids, mask = pad(tokenizer, [text for own in rows for text in own], model.device)
    logits = model(input_ids=ids, attention_mask=mask).logits.float()
    if logits.shape[1] == 1:
        owner = torch.tensor([n for n, own in enumerate(rows) for _ in own], device=ids.device)
        logits = per_sequence(logits[:, 0], owner, len(rows))
    return logits.log_softmax(dim=-1)
