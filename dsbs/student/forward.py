"""Forward passes that compute logits only where they are needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from dsbs.student.padding import IGNORED, MicroBatch
from dsbs.student.t5.packed_attention import packed_together


def target_logits(
    model: Any, student: Any, labels: torch.Tensor, inputs: Mapping[str, Any]
) -> torch.Tensor:
    """Logits at the labels that are not padding.

    The vocabulary is by far the widest matrix, so it is multiplied with those positions alone.

    Args:
        model: What is called: the student, or what wraps it for several devices.
        student: The student itself.
        labels: (S, Y), N of them not padding.
        inputs: Further arguments of the model.

    Returns:
        (N, V).
    """
    decoder_inputs = student.prepare_decoder_input_ids_from_labels(labels)
    arguments = {"decoder_input_ids": decoder_inputs, **inputs}
    with logits_only_at(student, labels.ne(IGNORED)):
        logits: torch.Tensor = model(**arguments, use_cache=False).logits
    return logits


def decoder_inputs(student: Any, batch: MicroBatch) -> torch.Tensor:
    """(R, Y): `decoder_ids`, shifted. Every sequence of a row begins with the start token."""
    shifted: torch.Tensor = student.prepare_decoder_input_ids_from_labels(batch.decoder_ids)
    begins = batch.owner.diff(dim=1).ne(0)
    shifted[:, 1:] = torch.where(begins, shifted[:, :1], shifted[:, 1:])
    return shifted


def decoder_mask(batch: MicroBatch) -> torch.Tensor | None:
    """(R, 1, Y, Y): which tokens each token of the decoder may read: earlier ones of its sequence.

    None where every row holds one sequence. T5 knows distances only, so a sequence does not notice
    what stands before it in its row.
    """
    if len(batch.task) == len(batch.labels):
        return None
    return (batch.owner[:, :, None] == batch.owner[:, None]).tril()[:, None]


def packed_logits(model: Any, student: Any, batches: Sequence[MicroBatch]) -> torch.Tensor:
    """`target_logits` of several micro-batches in one pass, one after another, (N, V)."""
    labels = [batch.labels for batch in batches]
    input_ids = _one_row([batch.input_ids for batch in batches])
    decoder_ids = _one_row([decoder_inputs(student, batch) for batch in batches])
    wanted = _one_row([each.ne(IGNORED) for each in labels])
    masks = [batch.attention_mask for batch in batches]
    with (
        packed_together(masks, labels, [decoder_mask(batch) for batch in batches]),
        logits_only_at(student, wanted),
    ):
        logits: torch.Tensor = model(
            input_ids=input_ids, decoder_input_ids=decoder_ids, use_cache=False
        ).logits
    return logits


def _one_row(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.flatten() for part in parts])[None]


@contextmanager
def logits_only_at(
    student: Any, wanted: torch.Tensor | tuple[torch.Tensor, torch.Tensor]
) -> Iterator[None]:
    """Within this context, forward passes give logits (N, V) at N wanted positions.

    They are a mask (S, Y), or rows (N,) and columns (N,).
    """
    hook = student.get_output_embeddings().register_forward_pre_hook(
        lambda head, states: (states[0][wanted],)
    )
    try:
        yield
    finally:
        hook.remove()
