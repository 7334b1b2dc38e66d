"""What a student of encoder and decoder learns from a micro-batch: texts, label distributions, token distributions.

The one place that knows how a forward pass becomes a loss. Another kind of student (decoder only, a classifier) has another
objective, another encoding and another way to predict; the trainer stays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers.modeling_outputs import BaseModelOutput

from dsbs.config.recipe import Divergence
from dsbs.student.forward import decoder_inputs, packed_logits, readable, target_logits
from dsbs.student.padding import IGNORED, MicroBatch, sequence_sums, token_losses
from dsbs.training.loss import label_scores, multi_task_loss, spread_out
from dsbs.training.soft_targets import divergence, gathered, soft_cross_entropy


class SoftTokens(NamedTuple):
    """What a soft teacher says to the target tokens of a micro-batch, in order, padding left out.

    log_probs (N, K) at the temperature; ids (N, K - 1) of the tokens they are of, the last column being all others
    together; None where they are of the whole vocabulary.
    """

    ids: torch.Tensor | None
    log_probs: torch.Tensor


SoftTeacher = Callable[[MicroBatch], SoftTokens]


@dataclass(frozen=True)
class Objective:
    """(1 - w) x the loss of the texts + w x T^2 x that of the soft targets, where there are any.

    `soft_teacher` gives token distributions; without one, soft targets are label distributions.
    """

    soft_weight: float = 0.0
    temperature: float = 1.0
    kind: Divergence = "forward"
    soft_teacher: SoftTeacher | None = None

    def __call__(
        self, model: Any, batch: MicroBatch, sizes: torch.Tensor, *, student: Any = None
    ) -> torch.Tensor:
        """This micro-batch's part of the step's loss. sizes (T + 1,) are of the whole step; see StepBatch.

        `student` is the model itself where `model` is what wraps it for several devices.
        """
        return self._loss(batch, *self._logits(model, batch, student or model), sizes)

    def of_pass(
        self, model: Any, batches: Sequence[MicroBatch], sizes: torch.Tensor, *, student: Any = None
    ) -> torch.Tensor:
        """The part of one micro-batch, or of several, none with candidates, in one pass of a student that `packs`."""
        if len(batches) == 1:
            return self(model, batches[0], sizes, student=student)
        logits = packed_logits(model, student or model, batches)  # (N, V)
        counts = [int(batch.labels.ne(IGNORED).sum()) for batch in batches]
        if self.soft_weight and self.soft_teacher is not None:
            parts = zip(batches, logits.split(counts), strict=True)
            return torch.stack(
                [self._loss(batch, own, own[:0], sizes) for batch, own in parts]
            ).sum()
        # Logits are by far the widest tensor: not a copy of them, not even of their gradient.
        losses = token_losses(
            logits, torch.cat([batch.labels[batch.labels.ne(IGNORED)] for batch in batches])
        )
        parts = zip(batches, losses.split(counts), strict=True)
        return torch.stack(
            [self._hard_loss(batch, own, batch.weight, sizes) for batch, own in parts]
        ).sum()

    def _loss(
        self,
        batch: MicroBatch,
        logits: torch.Tensor,
        candidate_logits: torch.Tensor,
        sizes: torch.Tensor,
    ) -> torch.Tensor:
        hard_weight, soft = batch.weight, torch.zeros((), device=batch.weight.device)
        if self.soft_weight and self.soft_teacher is not None and batch.weight.any():
            hard_weight = batch.weight * (1 - self.soft_weight)
            soft = self._token_loss(logits, batch, sizes)
        elif self.soft_weight and len(batch.of):
            softened = torch.bincount(batch.of, minlength=len(batch.weight)) > 0
            hard_weight = batch.weight * torch.where(softened, 1 - self.soft_weight, 1.0)
            soft = self._label_loss(candidate_logits, batch, sizes)
        losses = token_losses(logits, batch.labels[batch.labels.ne(IGNORED)])
        return self._hard_loss(batch, losses, hard_weight, sizes) + self.soft_weight * soft

    def _hard_loss(
        self, batch: MicroBatch, losses: torch.Tensor, weight: torch.Tensor, sizes: torch.Tensor
    ) -> torch.Tensor:
        """Of the texts, from the losses (N,) of their tokens."""
        sums = sequence_sums(losses, batch.owner[batch.labels.ne(IGNORED)], len(weight))
        return multi_task_loss(sums * batch.scale, batch.task, weight, sizes)

    def _logits(
        self, model: Any, batch: MicroBatch, student: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits at the tokens of the targets (N, V) and of their candidates (M, V), padding left out."""
        if not len(batch.of):
            inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
            told = {
                "decoder_input_ids": decoder_inputs(student, batch),
                "decoder_attention_mask": readable(batch),
            }
            found = target_logits(model, student, batch.labels, inputs | told)
            return found, found[:0]
        # An input is encoded once for its target and all of its candidates.
        states = student.get_encoder()(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask
        ).last_hidden_state
        rows = torch.cat([torch.arange(len(batch.labels), device=batch.of.device), batch.of])
        width = max(batch.labels.shape[1], batch.candidates.shape[1])
        texts = torch.cat(
            [
                F.pad(ids, (0, width - ids.shape[1]), value=IGNORED)
                for ids in (batch.labels, batch.candidates)
            ]
        )
        outputs = BaseModelOutput(last_hidden_state=states[rows])  # (S + C, X, D)
        found = target_logits(
            model,
            student,
            texts,
            {"encoder_outputs": outputs, "attention_mask": batch.attention_mask[rows]},
        )
        own = int(batch.labels.ne(IGNORED).sum())
        return found[:own], found[own:]

    def _label_loss(
        self, logits: torch.Tensor, batch: MicroBatch, sizes: torch.Tensor
    ) -> torch.Tensor:
        """The mean over the step's examples that have a label distribution."""
        count = len(batch.weight)
        said = label_scores(logits, batch.candidates, batch.of, count)  # (S, L)
        wanted = spread_out(batch.shares.log(), batch.of, count)
        has = wanted.isfinite().any(dim=1)
        losses = soft_cross_entropy(said[has], wanted[has], temperature=self.temperature)
        return (batch.weight[has] * losses).sum() / sizes[-1].clamp(min=1)

    def _token_loss(
        self, logits: torch.Tensor, batch: MicroBatch, sizes: torch.Tensor
    ) -> torch.Tensor:
        """Each task's mean over tokens, normalised as its texts are."""
        assert self.soft_teacher is not None
        real = batch.labels.ne(IGNORED)
        ids, log_p = self.soft_teacher(batch)
        log_q = gathered(F.log_softmax(logits.float() / self.temperature, dim=-1), ids)  # (N, K)
        losses = torch.zeros_like(real, dtype=log_q.dtype)
        losses[real] = divergence(log_p, log_q, self.kind) * self.temperature**2
        return multi_task_loss(losses.sum(dim=1) * batch.scale, batch.task, batch.weight, sizes)
