"""`Seq2SeqTrainer` with a step of our own: which examples it has, how its loss is made, how a student is validated."""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from accelerate.utils.memory import clear_device_cache
from torch.utils.data import DataLoader
from transformers import (
    PrinterCallback,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
    TrainerCallback,
    TrainerControl,
    TrainerState,
)

from dsbs.core.progress import Progress, say
from dsbs.student.encoding import Encoded
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator, StepBatch, StepSampler
from dsbs.training.memory_probe import STATE_BYTES, largest_pass, too_little
from dsbs.training.objective import Objective

Validate = Callable[[], tuple[int, int]]
"""Gives how many validation labels are right, and how many there are, on this rank."""


class StepTrainer(Seq2SeqTrainer):
    """Trains on whole optimiser steps.

    One item of the data loader is this rank's share of a step, so `gradient_accumulation_steps` stays 1 and the loss is
    normalised over the step by construction. Validation counts right labels instead of computing a loss, shared among the
    ranks without a collective inside generation; the best weights are handed to `save_best` as soon as they are found.
    `task_weights` gives what each task's weight is multiplied by at a step.
    """

    def __init__(
        self,
        *,
        encoded: Encoded,
        sampler: StepSampler,
        collator: Collator,
        objective: Objective,
        task_weights: Callable[[int], Sequence[float]],
        validate: Validate | None,
        save_best: Callable[[Mapping[str, torch.Tensor] | None], None],
        **trainer_arguments: Any,
    ) -> None:
        super().__init__(train_dataset=encoded.examples, eval_dataset=[0], **trainer_arguments)
        self.remove_callback(PrinterCallback)
        self._sampler, self._collator, self._validate, self._save_best = (
            sampler,
            collator,
            validate,
            save_best,
        )
        self._objective, self._task_weights = objective, task_weights
        self._clipped: int | None = None

    def get_train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(
            self.train_dataset, batch_sampler=self._sampler, collate_fn=self._collator
        )

    def training_step(
        self, model: Any, inputs: StepBatch, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Forward and backward of every pass; the loss of the step over all ranks, detached.

        On one device a step that does not fit into memory is begun anew with passes half as large, for this and all to come.
        Several devices cannot leave a step alone in the middle of it: they try before the first what fits.
        """
        if self._tries_first and math.isinf(self._collator.most):
            self._collator.most = self._what_fits(model)
            inputs = self._collator(inputs["examples"])
        try:
            return self._step(model, inputs)
        except torch.OutOfMemoryError:
            passes = list(self._collator.passes(inputs["micro_batches"]))
            largest = max(sum(part.tokens for part in parts) for parts in passes)
            whole = len(passes) >= sum(len(example) for example in inputs["examples"])
            if self.accelerator.num_processes > 1 or whole:
                raise too_little(largest) from None
        # Outside of the handler, which would keep what did not fit alive.
        self._collator.most = largest // 2
        say(
            f"{largest:,} tokens a forward pass do not fit into memory: {self._collator.most:,} from here on"
        )
        model.zero_grad()
        clear_device_cache(garbage_collection=True)
        return self.training_step(model, self._collator(inputs["examples"]))

    @property
    def _tries_first(self) -> bool:
        return self.accelerator.num_processes > 1

    def _what_fits(self, model: Any) -> int:
        count = -(-self._sampler.batch_size // self.accelerator.num_processes)

        def fits(batch: MicroBatch) -> bool:
            agreed = torch.tensor(int(self._fits(model, batch)), device=self.args.device)
            model.zero_grad()
            clear_device_cache(garbage_collection=True)
            dist.all_reduce(agreed, dist.ReduceOp.MIN)
            return bool(agreed)

        return largest_pass(self.train_dataset, self._collator, count=count, fits=fits)

    def _fits(self, model: Any, batch: MicroBatch) -> bool:
        """Whether a pass fits on this device beside the optimiser's states. No process waits for another meanwhile."""
        device, tasks = self.args.device, len(self._collator.tasks)
        model.train()
        try:
            states = torch.empty(self._states_to_come(), dtype=torch.uint8, device=device)
            with (
                self.accelerator.no_sync(model),
                torch.random.fork_rng([device] if device.type != "cpu" else []),
            ):
                sizes, scales = (
                    torch.ones(tasks + 1, device=device),
                    torch.ones(tasks, device=device),
                )
                self.accelerator.backward(self._loss(model, [batch], sizes, scales))
        except torch.OutOfMemoryError:
            return False
        del states
        return True

    def _states_to_come(self) -> int:
        """Bytes of the optimiser's states, which it makes in its first step; 0 once it has."""
        trained = sum(
            parameter.numel() for parameter in self.model.parameters() if parameter.requires_grad
        )
        return 0 if self.optimizer.state else STATE_BYTES[self.args.optim] * trained

    def _step(self, model: Any, inputs: StepBatch) -> torch.Tensor:
        model.train()
        ranks, passes = (
            self.accelerator.num_processes,
            self._agreed(list(self._collator.passes(inputs["micro_batches"]))),
        )
        sizes = inputs["sizes"].to(self.args.device)
        if ranks > 1:
            dist.all_reduce(sizes)
        scales = torch.tensor(self._task_weights(self.state.global_step), device=self.args.device)
        total = torch.zeros((), device=self.args.device)
        for number, micro_batches in enumerate(passes, 1):
            last = number == len(passes)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(model):
                # Gradients are averaged over ranks, and this loss is this rank's part of a sum: hence the factor.
                loss = self._loss(model, micro_batches, sizes, scales) * ranks
                self.accelerator.backward(loss)
            total += loss.detach()
        return total

    def _loss(
        self, model: Any, parts: Sequence[MicroBatch], sizes: torch.Tensor, scales: torch.Tensor
    ) -> torch.Tensor:
        moved = [part.to(self.args.device) for part in parts]
        weighed = [replace(part, weight=part.weight * scales[part.task]) for part in moved]
        with self.compute_loss_context_manager():
            return self._objective_of(model, weighed, sizes)

    def _objective_of(
        self, model: Any, parts: Sequence[MicroBatch], sizes: torch.Tensor
    ) -> torch.Tensor:
        return self._objective.of_pass(
            model, parts, sizes, student=self.accelerator.unwrap_model(model)
        )

    def _agreed(self, passes: list[list[MicroBatch]]) -> list[list[MicroBatch]]:
        """The passes of a step, where processes have to agree on their number."""
        return passes

    def evaluate(self, *unused: Any, **unused_too: Any) -> dict[str, float]:
        """Validation accuracy, and the best weights saved where it is a new best. {} without labelled validation rows."""
        if self._validate is None:
            self.log({"clipped_steps": self.clipped_steps})
            return {}
        self.model.eval()
        counts = torch.tensor(self._validated(), device=self.args.device)
        if self.accelerator.num_processes > 1:
            dist.all_reduce(counts)
        metrics = {"eval_accuracy": counts[0].item() / counts[1].item()}
        best = max(
            (log["eval_accuracy"] for log in self.state.log_history if "eval_accuracy" in log),
            default=-1.0,
        )
        self.log({**metrics, "clipped_steps": self.clipped_steps})
        if metrics["eval_accuracy"] > best:
            self.save_best()
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def save_best(self) -> None:
        """Hand the weights as they are to the caller's `save_best`, on one process."""
        weights = self._weights()
        if self.is_world_process_zero():
            self._save_best(weights)

    def _validated(self) -> tuple[int, int]:
        assert self._validate is not None
        return self._validate()

    def _weights(self) -> Mapping[str, torch.Tensor] | None:
        """Weights to save, where the model's own are not whole. Every process must ask."""
        return None

    def floating_point_ops(self, inputs: Any) -> int:
        """Counted from the plan of steps instead; see `fit`."""
        return 0

    @property
    def clipped_steps(self) -> int:
        """Steps whose gradient was longer than allowed, those before an interruption included."""
        if self._clipped is None:
            self._clipped = max(
                (log.get("clipped_steps", 0) for log in self.state.log_history), default=0
            )
        return self._clipped

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)
        self._clipped = self.clipped_steps + int(norm > self.args.max_grad_norm)
        return norm


class StepCallback(TrainerCallback):
    """Shows progress, validates at the last step as well, and stops a training whose loss is no number any more."""

    def __init__(self, progress: Progress) -> None:
        self.progress, self.loss, self.accuracy = progress, math.nan, math.nan

    def on_step_end(
        self,
        args: Seq2SeqTrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **unused: Any,
    ) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = control.should_save = True
        best = "" if math.isnan(self.accuracy) else f", validation {self.accuracy:.1%}"
        self.progress.add(1, "" if math.isnan(self.loss) else f"loss {self.loss:.3g}{best}")

    def on_log(
        self,
        args: Seq2SeqTrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **unused: Any,
    ) -> None:
        logs = logs or {}
        self.loss, self.accuracy = (
            logs.get("loss", self.loss),
            logs.get("eval_accuracy", self.accuracy),
        )
        if not math.isfinite(logs.get("loss", 0.0)):
            raise FloatingPointError(
                f"the loss is {logs['loss']} at step {state.global_step}: try a smaller --learning-rate or --precision fp32"
            )


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint of the trainer; one that was cut off while it was written has no state file."""
    found = [
        path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").is_file()
    ]
    return max(found, key=lambda path: int(path.name.rsplit("-", 1)[1]), default=None)
