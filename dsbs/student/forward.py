"""A forward pass that computes logits where they are needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from dsbs.student.batching import IGNORED, MicroBatch
from dsbs.student.packing import together


def target_logits(model: Any, student: Any, labels: torch.Tensor, inputs: Mapping[str, Any]) -> torch.Tensor:
    """Logits (N, V) at the N labels (S, Y) that are not padding, of what wraps a student and of the student itself.

    The vocabulary is by far the widest matrix, so it is multiplied with those positions alone.
    """
    with wanted_logits(student, labels.ne(IGNORED)):
        told = student.prepare_decoder_input_ids_from_labels(labels)
        found: torch.Tensor = model(**inputs, decoder_input_ids=told, use_cache=False).logits
    return found


def packed_logits(model: Any, student: Any, batches: Sequence[MicroBatch]) -> torch.Tensor:
    """The `target_logits` of several micro-batches in one pass, one behind another, (N, V)."""
    labels = [batch.labels for batch in batches]
    inputs, wanted = _row([batch.input_ids for batch in batches]), [each.ne(IGNORED) for each in labels]
    told = _row([student.prepare_decoder_input_ids_from_labels(each) for each in labels])
    with together([batch.attention_mask for batch in batches], labels), wanted_logits(student, _row(wanted)):
        found: torch.Tensor = model(input_ids=inputs, decoder_input_ids=told, use_cache=False).logits
    return found


def _row(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    return torch.cat([part.flatten() for part in parts])[None]


@contextmanager
def wanted_logits(student: Any, wanted: torch.Tensor) -> Iterator[None]:
    """Forward passes within give logits (N, V) at the N wanted positions (S, Y) alone."""
    hook = student.get_output_embeddings().register_forward_pre_hook(lambda head, states: (states[0][wanted],))
    try:
        yield
    finally:
        hook.remove()
