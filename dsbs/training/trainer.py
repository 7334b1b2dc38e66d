"""The trainer with our own steps and loss."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate.utils.memory import clear_device_cache
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import DataLoader

from dsbs.student.encoding import Encoded
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, StepBatch, StepSampler
from dsbs.training.checkpoints import seal_checkpoint
from dsbs.training.memory_probe import (
    fits_beside,
    future_state_bytes,
    halved_pass,
    largest_pass,
)
from dsbs.training.objective import Objective
from dsbs.training.schedules import Span
from dsbs.training.validating_trainer import ValidatingTrainer


class StepTrainer(ValidatingTrainer):
    """Trains on whole optimizer steps.

    One item of the data loader is this process's share of a step. So `gradient_accumulation_steps`
    stays 1, and the loss is normalized over the step by construction.
    """

    train_dataset: Any

    def __init__(
        self,
        *,
        encoded: Encoded,
        sampler: StepSampler,
        collator: Collator,
        objective: Objective,
        task_weights: Callable[[int], Sequence[float]],
        span: Span,
        **trainer_arguments: Any,
    ) -> None:
        """Prepare a training.

        Args:
            encoded: The training set.
            sampler: The examples of every step, for this process.
            collator: Makes micro-batches of them.
            objective: Makes a loss of them.
            task_weights: The factor on each task's weight at a step.
            span: The steps of the schedule that the learning rate follows.
            trainer_arguments: Arguments of `ValidatingTrainer`.
        """
        super().__init__(train_dataset=encoded.examples, **trainer_arguments)
        self._sampler = sampler
        self._collator = collator
        self._objective = objective
        self._task_weights = task_weights
        self._span = span

    def get_train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.train_dataset, batch_sampler=self._sampler, collate_fn=self._collator
        )

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> LRScheduler:
        if self.lr_scheduler is None:
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, self._span.rate)
        return self.lr_scheduler

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        # At the start of another schedule, what was loaded is the rate at which the last one ended.
        scheduler: Any = self.lr_scheduler
        rates = [rate * self._span.rate(scheduler.last_epoch) for rate in scheduler.base_lrs]
        scheduler._last_lr = rates
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def get_batch_samples(
        self, epoch_iterator: Iterator[StepBatch], num_batches: int, device: torch.device
    ) -> tuple[list[StepBatch], None]:
        """The next steps, without counting items: each brings its own sizes."""
        return list(islice(epoch_iterator, num_batches)), None

    def training_step(  # type: ignore[override]  # a batch is ours, and no dictionary
        self, model: Any, inputs: StepBatch, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward of every pass.

        On one device, a step that does not fit in memory starts again with passes half as large,
        and so do all later ones. Several devices cannot leave a step in the middle of it. They find
        out before the first step what fits.

        Returns:
            The loss of the step over all processes, detached.
        """
        if self._probes_memory and math.isinf(self._collator.max_tokens):
            self._collator.max_tokens = self._largest_pass(model)
            inputs = self._collator(inputs.examples)
        try:
            return self._step(model, inputs)
        except torch.OutOfMemoryError:
            alone = self.accelerator.num_processes == 1
            limit = halved_pass(self._collator, inputs, may_halve=alone)
        # Outside of the handler, which would keep what did not fit alive.
        self._collator.max_tokens = limit
        model.zero_grad()
        clear_device_cache(garbage_collection=True)
        return self.training_step(model, self._collator(inputs.examples))

    def floating_point_ops(self, inputs: Any) -> int:
        """Not counted here; see `PreparedTraining.totals`."""
        return 0

    @property
    def _probes_memory(self) -> bool:
        """Whether to find out before the first step how large a pass may be."""
        return self.accelerator.num_processes > 1

    def _largest_pass(self, model: Any) -> int:
        """Tokens of the largest pass that fits on every device."""

        def fits_everywhere(batch: MicroBatch) -> bool:
            fits = torch.tensor(int(self._fits(model, batch)), device=self.args.device)
            model.zero_grad()
            clear_device_cache(garbage_collection=True)
            dist.all_reduce(fits, dist.ReduceOp.MIN)
            return bool(fits)

        count = -(-self._sampler.batch_size // self.accelerator.num_processes)
        return largest_pass(self.train_dataset, self._collator, count=count, fits=fits_everywhere)

    def _fits(self, model: Any, batch: MicroBatch) -> bool:
        """Whether a pass fits on this device. No process waits for another meanwhile."""
        device = self.args.device
        tasks = len(self._collator.tasks)

        def one_pass() -> None:
            model.train()
            with self.accelerator.no_sync(model):
                sizes = torch.ones(tasks + 1, device=device)
                scales = torch.ones(tasks, device=device)
                self.accelerator.backward(self._loss(model, [batch], sizes, scales))

        needed = future_state_bytes(self.model, self.optimizer, self.args.optim)
        return fits_beside(needed, one_pass, device)

    def _step(self, model: Any, inputs: StepBatch) -> torch.Tensor:
        model.train()
        device = self.args.device
        ranks = self.accelerator.num_processes
        passes = self._padded_passes(list(self._collator.passes(inputs.micro_batches)))
        sizes = inputs.sizes.to(device)
        if ranks > 1:
            dist.all_reduce(sizes)
        scales = torch.tensor(self._task_weights(self.state.global_step), device=device)
        total = torch.zeros((), device=device)
        for number, micro_batches in enumerate(passes, 1):
            last = number == len(passes)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(model):
                # Gradients are averaged over processes, and this loss is a part of a sum over them.
                loss = self._loss(model, micro_batches, sizes, scales) * ranks
                self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def _loss(
        self, model: Any, batches: Sequence[MicroBatch], sizes: torch.Tensor, scales: torch.Tensor
    ) -> torch.Tensor:
        """The loss of one pass. sizes (T + 1,) and scales (T,) are of the whole step."""
        moved = [batch.to(self.args.device) for batch in batches]
        weighted = [replace(batch, weight=batch.weight * scales[batch.task]) for batch in moved]
        with self.compute_loss_context_manager():
            return self._apply_objective(model, weighted, sizes)

    def _apply_objective(
        self, model: Any, batches: Sequence[MicroBatch], sizes: torch.Tensor
    ) -> torch.Tensor:
        student = self.accelerator.unwrap_model(model)
        return self._objective.of_pass(model, batches, sizes, student=student)

    def _padded_passes(self, passes: list[list[MicroBatch]]) -> list[list[MicroBatch]]:
        """The passes of a step, with empty ones where processes need the same number."""
        return passes

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        super()._save_checkpoint(model, trial)
        # Every process writes its own random state.
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            folder = Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}"
            seal_checkpoint(folder)
