"""One training step by hand, for a student of any family."""

from typing import Any

import torch

from dsbs.student.encoding import Encoded
from dsbs.student.family import Family
from dsbs.training.batching import Collator
from dsbs.training.objective import Objective


def step_loss(
    family: Family, model: Any, found: Encoded, objective: Objective, **cut: Any
) -> torch.Tensor:
    """The loss of all examples as one step, after its backward passes."""
    model.zero_grad()
    collator = Collator(found.tasks, 0, family=family, **cut)
    made = collator(found.examples)
    total = torch.zeros(())
    for batches in collator.passes(made.micro_batches):
        loss = objective.of_pass(model, batches, made.sizes)
        loss.backward()
        total += loss.detach()
    return total
