"""What an encoder-decoder learns from a micro-batch: texts, label and token distributions.

This is the one place that knows how a forward pass becomes a loss. Another kind of student (decoder
only, a classifier) would have its own objective, encoding and prediction; the trainer would stay.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers.modeling_outputs import BaseModelOutput

from dsbs.config.student_options import Divergence
from dsbs.student.forward import decoder_inputs, decoder_mask, packed_logits, target_logits
from dsbs.student.padding import IGNORED, MicroBatch, sequence_sums, token_losses
from dsbs.training.loss import label_scores, multi_task_loss, per_sequence
from dsbs.training.soft_targets import divergence, lump, soft_cross_entropy


class SoftTokens(NamedTuple):
    """A soft teacher's distribution for each of the N target tokens of a micro-batch, in order."""

    ids: torch.Tensor | None
    """(N, K - 1): the tokens that probabilities are given for. None: the whole vocabulary."""
    log_probs: torch.Tensor
    """(N, K), at the temperature. With ids, the last column is of all other tokens together."""


SoftTeacher = Callable[[MicroBatch], SoftTokens]


class _Logits(NamedTuple):
    targets: torch.Tensor
    """(N, V), at the tokens of targets."""
    candidates: torch.Tensor
    """(M, V), at the tokens of candidate labels."""


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
        return self._loss(batch, self._logits(model, batch, student or model), sizes)

    def of_pass(
        self, model: Any, batches: Sequence[MicroBatch], sizes: torch.Tensor, *, student: Any = None
    ) -> torch.Tensor:
        """The part of the micro-batches of one forward pass. Several of them have no candidates."""
        if len(batches) == 1:
            return self(model, batches[0], sizes, student=student)
        logits = packed_logits(model, student or model, batches)  # (N, V)
        counts = [int(batch.labels.ne(IGNORED).sum()) for batch in batches]
        if self.soft_weight and self.soft_teacher is not None:
            parts = zip(batches, logits.split(counts), strict=True)
            losses = [self._loss(batch, _Logits(own, own[:0]), sizes) for batch, own in parts]
            return torch.stack(losses).sum()
        # Logits are by far the widest tensor: no copy of them, nor of their gradient.
        labels = torch.cat([batch.labels[batch.labels.ne(IGNORED)] for batch in batches])
        token_parts = zip(batches, token_losses(logits, labels).split(counts), strict=True)
        losses = [self._text_loss(batch, own, batch.weight, sizes) for batch, own in token_parts]
        return torch.stack(losses).sum()

    def _loss(self, batch: MicroBatch, logits: _Logits, sizes: torch.Tensor) -> torch.Tensor:
        weight = batch.weight
        soft = torch.zeros((), device=weight.device)
        if self.soft_weight and self.soft_teacher is not None and weight.any():
            weight = batch.weight * (1 - self.soft_weight)
            soft = self._token_loss(logits.targets, batch, sizes)
        elif self.soft_weight and len(batch.candidate_owner):
            candidates = torch.bincount(batch.candidate_owner, minlength=len(weight))
            weight = batch.weight * torch.where(candidates > 0, 1 - self.soft_weight, 1.0)
            soft = self._label_loss(logits.candidates, batch, sizes)
        losses = token_losses(logits.targets, batch.labels[batch.labels.ne(IGNORED)])
        return self._text_loss(batch, losses, weight, sizes) + self.soft_weight * soft

    def _text_loss(
        self, batch: MicroBatch, losses: torch.Tensor, weight: torch.Tensor, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The loss of texts, from the losses (N,) of their tokens and weights (S,)."""
        sums = sequence_sums(losses, batch.owner[batch.labels.ne(IGNORED)], len(weight))
        return multi_task_loss(sums * batch.scale, batch.task, weight, sizes)

    def _logits(self, model: Any, batch: MicroBatch, student: Any) -> _Logits:
        if not len(batch.candidate_owner):
            inputs = {
                "input_ids": batch.input_ids,
                "attention_mask": batch.attention_mask,
                "decoder_input_ids": decoder_inputs(student, batch),
                "decoder_attention_mask": decoder_mask(batch),
            }
            logits = target_logits(model, student, batch.labels, inputs)
            return _Logits(logits, logits[:0])
        # An input is encoded once for its target and all of its candidates.
        states = student.get_encoder()(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask
        ).last_hidden_state
        own_rows = torch.arange(len(batch.labels), device=batch.candidate_owner.device)
        rows = torch.cat([own_rows, batch.candidate_owner])
        width = max(batch.labels.shape[1], batch.candidates.shape[1])
        texts = [
            F.pad(ids, (0, width - ids.shape[1]), value=IGNORED)
            for ids in (batch.labels, batch.candidates)
        ]
        encoded = {
            "encoder_outputs": BaseModelOutput(last_hidden_state=states[rows]),  # (S + C, X, D)
            "attention_mask": batch.attention_mask[rows],
        }
        logits = target_logits(model, student, torch.cat(texts), encoded)
        own = int(batch.labels.ne(IGNORED).sum())
        return _Logits(logits[:own], logits[own:])

    def _label_loss(
        self, logits: torch.Tensor, batch: MicroBatch, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The mean over the step's examples with a label distribution, from logits (M, V)."""
        sequences = len(batch.weight)
        scores = label_scores(logits, batch.candidates, batch.candidate_owner, sequences)  # (S, L)
        teacher = per_sequence(batch.probabilities.log(), batch.candidate_owner, sequences)
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
        losses = torch.zeros_like(real, dtype=log_q.dtype)
        losses[real] = divergence(log_p, log_q, self.divergence) * self.temperature**2
        return multi_task_loss(losses.sum(dim=1) * batch.scale, batch.task, batch.weight, sizes)
