"""The loss, as pure functions of tensors."""

import torch
from torch.nn import functional as F

from dsbs.student.batching import IGNORED


def sequence_losses(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Summed token cross-entropy of every sequence, (S,), of logits (S, Y, V) and labels (S, Y); padding counts nothing."""
    losses = F.cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")  # (S, Y)
    return losses.sum(dim=1)


def multi_task_loss(
    losses: torch.Tensor, task: torch.Tensor, weight: torch.Tensor, target_tokens: torch.Tensor
) -> torch.Tensor:
    """Sum over tasks of weight x (token sum of the task / the task's target tokens in the whole optimiser step).

    Hsieh et al. 2023, section 3: L = alpha x L_label + (1 - alpha) x L_rationale, each a mean over tokens. losses, task,
    weight (S,) are of one micro-batch; target_tokens (T,) counts the whole step, all ranks and micro-batches included, so
    that the parts of a step add up to the loss of the step however it is cut.
    """
    per_task = target_tokens.clamp(min=1)[task]  # (S,)
    return (weight * losses / per_task).sum()
