"""What training, measuring and reporting see of a student, whatever kind of model it is."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

from dsbs.config.base import Decode
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.records import FamilyName, Method, TrainPair
from dsbs.student.codec import Codec
from dsbs.student.encoding import Encoded, EncodedTarget
from dsbs.student.padding import MicroBatch
from dsbs.student.reading import Reading
from dsbs.tasks.task import Task


class PassLogits(NamedTuple):
    """What a student computes in one forward pass."""

    targets: torch.Tensor
    """(N, V), for the N labels of the pass that are not padding, in order."""
    candidates: torch.Tensor | None
    """(S, L): the score of each candidate label, -inf where there are fewer. None: no candidates
    are given."""


class Family(Protocol):
    """A kind of student: how it is loaded, how it reads, and how a forward pass becomes logits."""

    name: FamilyName
    writes_text: bool
    """Whether it writes its labels. Otherwise it scores the allowed ones."""
    auto_class: Any
    """The class of transformers that loads its models."""
    adapter_task: str
    """What peft calls its task."""

    def check(self, task: Task, method: Method) -> None:
        """InputError where it cannot learn the task, or by this method."""

    def task_prefix(self, wanted: TaskPrefix, architecture: PreTrainedConfig) -> TaskPrefix:
        """What reads the task's prefix. InputError where that is not possible as wanted."""

    def decode(self, wanted: Decode) -> Decode:
        """How labels are read, where this is wanted."""

    def configure(self, architecture: PreTrainedConfig, task: Task) -> None:
        """Set what the task determines in the architecture."""

    def codec(self, tokenizer: PreTrainedTokenizerBase, architecture: PreTrainedConfig) -> Codec:
        """How its texts become token ids."""

    def encode(
        self,
        pairs: Sequence[TrainPair],
        codec: Codec,
        *,
        prefixes: Mapping[str, str],
        max_input_tokens: int,
        max_target_tokens: int,
        after_label: str,
        task_prefix: TaskPrefix,
        options: Mapping[str, Sequence[str]],
    ) -> Encoded:
        """A training set as token ids. `options` are the allowed labels of each example's id."""

    def ready(self, model: PreTrainedModel) -> PreTrainedModel:
        """The model as it is trained and read: the same functions, computed faster."""

    def set_generation(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        """Make plain `generate` of the saved model give what dsbs reads."""

    def packs(self, model: Any, *, recomputes: bool) -> bool:
        """Whether a model computes several micro-batches in one pass.

        `recomputes`: the backward pass computes activations again (gradient checkpointing).
        """

    def micro_batch(
        self, rows: Sequence[Sequence[EncodedTarget]], tasks: Sequence[str], pad: int
    ) -> MicroBatch:
        """Rows as one padded micro-batch."""

    def pass_logits(self, model: Any, student: Any, batches: Sequence[MicroBatch]) -> PassLogits:
        """One forward pass. Several micro-batches, in order, have no candidates.

        Args:
            model: What is called: the student, or what wraps it for several devices.
            student: The student itself.
            batches: The micro-batches.
        """

    def read(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> Reading:
        """Read inputs (B, X). Only for a student that writes text."""

    def training_flops(
        self, rows: Sequence[Sequence[EncodedTarget]], architecture: PreTrainedConfig
    ) -> NDArray[np.float64]:
        """(R,): operations of training on each row; 0 for a shape that dsbs does not know."""
