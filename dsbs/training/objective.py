"""What a student learns from a micro-batch: labels and texts, label and token distributions.

A student's family makes logits of a forward pass; this is the one place where they become a loss.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F

from dsbs.config.recipe_options import Divergence
from dsbs.student.families import family_of
from dsbs.student.family import PassLogits
from dsbs.student.padding import IGNORED, MicroBatch, per_sequence, sequence_sums, token_losses
from dsbs.training.loss import multi_task_loss
from dsbs.training.soft_targets import divergence, lump, soft_cross_entropy


class SoftTokens(NamedTuple):
    """A soft teacher's distribution for each of the N target tokens of a micro-batch, in order."""

    ids: torch.Tensor | None
    """(N, K - 1): the tokens that probabilities are given for. None: the whole vocabulary."""
    log_probs: torch.Tensor
    """(N, K), at the temperature. With ids, the last column is of all other tokens together."""


SoftTeacher = Callable[[MicroBatch], SoftTokens]


@dataclass(frozen=True)
class Objective:
    """(1 - w) x the loss of texts + w x T^2 x the loss of soft targets, where there are any."""

    soft_weight: float = 0.0
    temperature: float = 1.0
    divergence: Divergence = "forward"
    soft_teacher: SoftTeacher | None = None
    """Gives distributions over tokens. Without it, soft targets are distributions over labels."""

    def __call__(
        self, model: Any, batch: MicroBatch, sizes: torch.Tensor, *, student: Any = None
    ) -> torch.Tensor:
        """The part of one micro-batch in the loss of the step.

        Args:
            model: What is called: the student, or what wraps it for several devices.
            batch: The micro-batch.
            sizes: (T + 1,), of the whole step; see StepBatch.
            student: The student itself. Default: `model`.
        """
        return self.of_pass(model, [batch], sizes, student=student)

    def of_pass(
        self, model: Any, batches: Sequence[MicroBatch], sizes: torch.Tensor, *, student: Any = None
    ) -> torch.Tensor:
        """The part of the micro-batches of one forward pass. Several of them have no candidates."""
        own_student = student or model
        logits = family_of(own_student.config).pass_logits(model, own_student, batches)
        if len(batches) == 1:
            return self._loss(batches[0], logits, sizes)
        counts = [int(batch.labels.ne(IGNORED).sum()) for batch in batches]
        if self.soft_weight and self.soft_teacher is not None:
            parts = zip(batches, logits.targets.split(counts), strict=True)
            losses = [self._loss(batch, PassLogits(own, None), sizes) for batch, own in parts]
            return torch.stack(losses).sum()
        # Logits are by far the widest tensor: no copy of them, nor of their gradient.
        labels = torch.cat([batch.labels[batch.labels.ne(IGNORED)] for batch in batches])
        token_parts = zip(batches, token_losses(logits.targets, labels).split(counts), strict=True)
        losses = [self._text_loss(batch, own, batch.weight, sizes) for batch, own in token_parts]
        return torch.stack(losses).sum()

    def _loss(self, batch: MicroBatch, logits: PassLogits, sizes: torch.Tensor) -> torch.Tensor:
        weight = batch.weight
        soft = torch.zeros((), device=weight.device)
        if self.soft_weight and self.soft_teacher is not None and weight.any():
            weight = batch.weight * (1 - self.soft_weight)
            soft = self._token_loss(logits.targets, batch, sizes)
        elif self.soft_weight and logits.candidates is not None and len(batch.probabilities):
            known = torch.zeros_like(weight).index_add(
                0, batch.candidate_owner, batch.probabilities
            )
            weight = batch.weight * torch.where(known > 0, 1 - self.soft_weight, 1.0)
            soft = self._label_loss(logits.candidates, batch, sizes)
        losses = token_losses(logits.targets, batch.labels[batch.labels.ne(IGNORED)])
        return self._text_loss(batch, losses, weight, sizes) + self.soft_weight * soft

    def _text_loss(
        self, batch: MicroBatch, losses: torch.Tensor, weight: torch.Tensor, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The loss of texts, from the losses (N,) of their tokens and weights (S,)."""
        sums = sequence_sums(losses, batch.owner[batch.labels.ne(IGNORED)], len(weight))
        return multi_task_loss(sums * batch.scale, batch.task, weight, sizes)

    def _label_loss(
        self, scores: torch.Tensor, batch: MicroBatch, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The mean over the step's examples with a label distribution, from scores (S, L)."""
        owner = batch.candidate_owner
        teacher = per_sequence(batch.probabilities.log(), owner, len(batch.weight))
        has = teacher.isfinite().any(dim=1)
        losses = soft_cross_entropy(scores[has], teacher[has], temperature=self.temperature)
        return (batch.weight[has] * losses).sum() / sizes[-1].clamp(min=1)

    def _token_loss(
        self, logits: torch.Tensor, batch: MicroBatch, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The mean over each task's tokens, normalized like its texts, from logits (N, V)."""
        assert self.soft_teacher is not None
        real = batch.labels.ne(IGNORED)
        ids, log_p = self.soft_teacher(batch)
        log_q = lump(F.log_softmax(logits.float() / self.temperature, dim=-1), ids)  # (N, K)
        losses = divergence(log_p, log_q, self.divergence) * self.temperature**2
        sums = sequence_sums(losses, batch.owner[real], len(batch.weight))
        return multi_task_loss(sums * batch.scale, batch.task, batch.weight, sizes)
