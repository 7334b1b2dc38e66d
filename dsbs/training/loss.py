"""The loss, as pure functions of tensors."""

import torch

from dsbs.config.recipe import AlphaSchedule
from dsbs.student.padding import sequence_losses


def multi_task_loss(
    losses: torch.Tensor, task: torch.Tensor, weight: torch.Tensor, sizes: torch.Tensor
) -> torch.Tensor:
    """Sum over tasks of weight x (token sum of the task / the task's size in the whole optimiser step).

    Hsieh et al. 2023, section 3: L = alpha x L_label + (1 - alpha) x L_rationale, each a mean over tokens. losses, task,
    weight (S,) are of one micro-batch; sizes (T,) counts the tokens (or sequences) of the whole step, all ranks and
    micro-batches included, so that the parts of a step add up to the loss of the step however it is cut.
    """
    per_task = sizes.clamp(min=1)[task]  # (S,)
    return (weight * losses / per_task).sum()


def label_scores(
    logits: torch.Tensor, candidates: torch.Tensor, of: torch.Tensor, sequences: int
) -> torch.Tensor:
    """The log-likelihood of every candidate label of every sequence, (S, L), -inf where a sequence has fewer.

    logits (M, V) are the student's at the M tokens of the candidates (C, Z), each of the sequence `of` (C,).
    """
    return spread_out(-sequence_losses(logits, candidates), of, sequences)


def spread_out(values: torch.Tensor, of: torch.Tensor, sequences: int) -> torch.Tensor:
    """Values (C,) in rows of the sequences they are of, (S, L), padded with -inf. `of` is sorted."""
    counts = torch.bincount(of, minlength=sequences)
    place = torch.arange(len(of), device=of.device) - (counts.cumsum(0) - counts)[of]
    rows = values.new_full((sequences, int(counts.max())), -torch.inf)
    return rows.index_put((of, place), values)


def task_scales(
    schedule: AlphaSchedule, alpha: float, *, step: int, steps: int
) -> tuple[float, float]:
    """What the weights of the label task and of the rationale tasks are multiplied by at this step, counted from 0.

    constant: 1 and 1. linear: the label task's weight goes from 1 at the first step to alpha at the last.
    label_joint_rationale: three phases of a third of the steps each, labels alone, both by alpha, rationales alone.
    """
    match schedule:
        case "constant":
            now = alpha
        case "linear":
            now = 1 - (1 - alpha) * step / max(1, steps - 1)
        case "label_joint_rationale":
            now = (1.0, alpha, 0.0)[min(2, 3 * step // steps)]
    return (now / alpha, (1 - now) / (1 - alpha)) if schedule != "constant" else (1.0, 1.0)
