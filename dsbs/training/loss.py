"""The loss, as pure functions of tensors."""

from typing import NamedTuple

import torch

from dsbs.config.recipe_options import AlphaSchedule


class TaskScales(NamedTuple):
    """What the weights of tasks are multiplied by at one step."""

    label: float
    rationale: float


def multi_task_loss(
    losses: torch.Tensor, task: torch.Tensor, weight: torch.Tensor, sizes: torch.Tensor
) -> torch.Tensor:
    """The part of one micro-batch in L = alpha x L_label + (1 - alpha) x L_rationale.

    Hsieh et al. 2023, section 3. Each L is a mean over the tokens of the whole step. Since `sizes`
    counts all processes and micro-batches, the parts add up to the same loss however a step is cut.

    Args:
        losses: (S,), summed over the tokens of each sequence.
        task: (S,), the number of its task.
        weight: (S,).
        sizes: (T,), the tokens (or sequences) of each task in the whole step.
    """
    return (weight * losses / sizes.clamp(min=1)[task]).sum()


def task_scales(schedule: AlphaSchedule, alpha: float, *, step: int, steps: int) -> TaskScales:
    """The factors on the weights of tasks at a step, counted from 0.

    constant: 1 and 1.
    linear: the weight of the label task goes from 1 at the first step to alpha at the last.
    label_joint_rationale: labels alone, both by alpha, rationales alone, a third of the steps each.
    """
    match schedule:
        case "constant":
            return TaskScales(1.0, 1.0)
        case "linear":
            current = 1 - (1 - alpha) * step / max(1, steps - 1)
        case "label_joint_rationale":
            current = (1.0, alpha, 0.0)[min(2, 3 * step // steps)]
    return TaskScales(current / alpha, (1 - current) / (1 - alpha))
