"""A forward pass that computes logits where they are needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from dsbs.student.padding import IGNORED, MicroBatch
from dsbs.student.t5.packed_attention import together


def target_logits(
    model: Any, student: Any, labels: torch.Tensor, inputs: Mapping[str, Any]
) -> torch.Tensor:
    """Logits (N, V) at the N labels (S, Y) that are not padding, of what wraps a student and of the student itself.

    The vocabulary is by far the widest matrix, so it is multiplied with those positions alone.
    """
    told = {"decoder_input_ids": student.prepare_decoder_input_ids_from_labels(labels)}
    with wanted_logits(student, labels.ne(IGNORED)):
        found: torch.Tensor = model(**{**told, **inputs}, use_cache=False).logits
    return found


def decoder_inputs(student: Any, batch: MicroBatch) -> torch.Tensor:
    """What the decoder reads, (R, Y): what it says one place later, every sequence of a row from the start token on."""
    told: torch.Tensor = student.prepare_decoder_input_ids_from_labels(batch.said)
    begins = batch.owner.diff(dim=1).ne(0)
    told[:, 1:] = torch.where(begins, told[:, :1], told[:, 1:])
    return told


def readable(batch: MicroBatch) -> torch.Tensor | None:
    """Which places each place of the decoder may read, (R, 1, Y, Y): those before it of its own sequence.

    None where all those before it are. Only distances count in T5, so a sequence need not know what stands before it.
    """
    if len(batch.task) == len(batch.labels):
        return None
    return (batch.owner[:, :, None] == batch.owner[:, None]).tril()[:, None]


def packed_logits(model: Any, student: Any, batches: Sequence[MicroBatch]) -> torch.Tensor:
    """The `target_logits` of several micro-batches in one pass, one behind another, (N, V)."""
    labels = [batch.labels for batch in batches]
    inputs, wanted = (
        _row([batch.input_ids for batch in batches]),
        [each.ne(IGNORED) for each in labels],
    )
    told, masks = (
        _row([decoder_inputs(student, batch) for batch in batches]),
        [readable(batch) for batch in batches],
    )
    with (
        together([batch.attention_mask for batch in batches], labels, masks),
        wanted_logits(student, _row(wanted)),
    ):
        found: torch.Tensor = model(
            input_ids=inputs, decoder_input_ids=told, use_cache=False
        ).logits
    return found


def _row(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.flatten() for part in parts])[None]


@contextmanager
def wanted_logits(student: Any, wanted: torch.Tensor) -> Iterator[None]:
    """Forward passes within give logits (N, V) at the N wanted positions (S, Y) alone."""
    hook = student.get_output_embeddings().register_forward_pre_hook(
        lambda head, states: (states[0][wanted],)
    )
    try:
        yield
    finally:
        hook.remove()
