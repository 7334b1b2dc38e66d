"""`Seq2SeqTrainer` that counts right labels on validation, and keeps the best weights."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.distributed as dist
from transformers import PreTrainedModel, PrinterCallback, Seq2SeqTrainer, TrainerControl

from dsbs.core.progress import say
from dsbs.metrics.collapse import Notice, say_notices
from dsbs.metrics.prediction_counts import PredictionCounts
from dsbs.training.validation import Validator


class ValidatingTrainer(Seq2SeqTrainer):
    """Counts right labels on validation instead of computing a loss.

    Processes share its rows and add up their counts. The log also has the steps whose gradient was
    clipped.
    """

    # The base class has them optional.
    model: PreTrainedModel
    optimizer: torch.optim.Optimizer

    def __init__(
        self,
        *,
        validator: Validator | None,
        save_best: Callable[[Mapping[str, torch.Tensor] | None], None],
        **trainer_arguments: Any,
    ) -> None:
        """Prepare the validation of a training.

        Args:
            validator: Predicts this process's share of validation. None: there is none.
            save_best: Saves the weights (None: the model's own) as soon as they are the best.
            trainer_arguments: Arguments of `Seq2SeqTrainer`.
        """
        any_rows: Any = [0]  # the validator has its own
        super().__init__(eval_dataset=any_rows, **trainer_arguments)
        self.remove_callback(PrinterCallback)
        self._validator = validator
        self._save_best = save_best
        self._clipped: int | None = None
        self._told = False
        """Whether signs of collapse have been printed."""

    def evaluate(self, *unused: Any, **unused_too: Any) -> dict[str, float]:
        """Validation accuracy; new best weights are saved. {} without labeled validation rows."""
        if self._validator is None:
            self.log({"clipped_steps": self.clipped_steps})
            return {}
        self.model.eval()
        parts = [self._validation_counts()]
        if self.accelerator.num_processes > 1:
            parts *= self.accelerator.num_processes
            dist.all_gather_object(parts, parts[0])
        counts = self._validator.total(parts)
        accuracy = counts.correct / counts.rows
        history = self.state.log_history
        earlier = [log["eval_accuracy"] for log in history if "eval_accuracy" in log]
        self.log({"eval_accuracy": accuracy, "clipped_steps": self.clipped_steps})
        self._keep_notices(self._validator.notices(counts))
        if accuracy > max(earlier, default=-1.0):
            self.save_best()
        metrics = {"eval_accuracy": accuracy}
        self.control: TrainerControl = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _keep_notices(self, notices: Sequence[Notice]) -> None:
        """Write them into the log, and print them once, in the second half of the steps.

        Before that, a student that learns as it should looks no better.
        """
        entry: dict[str, Any] = self.state.log_history[-1]
        # Not by `self.log`, whose readers take numbers.
        entry["notices"] = [vars(notice) for notice in notices]
        halfway = 2 * self.state.global_step >= self.state.max_steps
        if notices and halfway and not self._told:
            self._told = True
            say(f"at step {self.state.global_step:,} of {self.state.max_steps:,}:")
            say_notices(notices)

    def save_best(self) -> None:
        """Save the weights as they are now. Every process must call it; one saves."""
        weights = self._weights()
        if self.is_world_process_zero():
            self._save_best(weights)

    @property
    def clipped_steps(self) -> int:
        """Steps whose gradient was clipped, those before an interruption included."""
        if self._clipped is None:
            logged = (log.get("clipped_steps", 0) for log in self.state.log_history)
            self._clipped = int(max(logged, default=0))
        return self._clipped

    def _validation_counts(self) -> PredictionCounts:
        assert self._validator is not None
        return self._validator.counts()

    def _weights(self) -> Mapping[str, torch.Tensor] | None:
        """The weights to save where the model's own are sharded. Every process must call it."""
        return None

    def _clip_grad_norm(self, model: Any) -> Any:
        norm = super()._clip_grad_norm(model)  # type: ignore[no-untyped-call]
        self._clipped = self.clipped_steps + int(norm > self.args.max_grad_norm)
        return norm
