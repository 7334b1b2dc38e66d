"""A forward pass that computes logits where they are needed."""

from collections.abc import Mapping
from typing import Any

import torch

from dsbs.student.batching import IGNORED


def target_logits(
    model: Any, student: Any, labels: torch.Tensor, inputs: Mapping[str, Any], *, said: torch.Tensor | None = None
) -> torch.Tensor:
    """Logits (N, V) at the N labels (S, Y) that are not padding, of what wraps a student and of the student itself.

    The vocabulary is by far the widest matrix, so it is multiplied with those positions alone. `said` (S, Y) is what the
    decoder reads where that is more than what is asked for; left out, the labels.
    """
    wanted = labels.ne(IGNORED)
    hook = student.get_output_embeddings().register_forward_pre_hook(lambda head, states: (states[0][wanted],))
    try:
        told = student.prepare_decoder_input_ids_from_labels(labels if said is None else said)
        found: torch.Tensor = model(**inputs, decoder_input_ids=told, use_cache=False).logits
        return found
    finally:
        hook.remove()
