"""Larger students with the same vocabulary as teachers: their distribution for every token."""

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from dsbs.artifacts.student_card import CARD, model_folder, read_card, weight_files
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.errors import InputError
from dsbs.core.hashing import hash_file
from dsbs.core.records import Method
from dsbs.metrics.distributions import Mean
from dsbs.student.checkpoint import best_device
from dsbs.student.families import family_of
from dsbs.student.model import load_model, load_pretrained
from dsbs.student.padding import MicroBatch
from dsbs.training.objective import SoftTokens
from dsbs.training.soft_targets import mean_log_probs, top_tokens

_FLAG = "--soft-teacher"

_MIN_LOG_PROB = -60.0
"""Far below any probability that matters, and above the -inf of half precision."""


class WhiteBoxTeacher:
    """Models whose token distributions a student learns.

    They are loaded when first used, so a complete cache needs none of them in memory.
    """

    def __init__(
        self,
        names: Sequence[str],
        weights: Sequence[float],
        *,
        mean: Mean = "arithmetic",
        temperature: float = 1.0,
        top_k: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.names = [str(model_folder(name)) for name in names]
        self.weights = list(weights) or [1.0] * len(names)
        self.mean = mean
        self.temperature = temperature
        self.top_k = top_k
        self.dtype = dtype

    def __call__(self, batch: MicroBatch) -> SoftTokens:
        return unpacked(*self.packed(batch))

    @torch.no_grad()
    def packed(self, batch: MicroBatch) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Ids (int32) and log-probabilities (half precision) of target tokens, for a cache."""
        log_probs = []
        with torch.autocast(batch.labels.device.type, enabled=False):
            for model in self._models:
                logits = family_of(model.config).pass_logits(model, model, [batch]).targets
                log_probs.append(F.log_softmax(logits.float() / self.temperature, dim=-1))
        joint = mean_log_probs(log_probs, self.weights, self.mean)
        ids, kept = top_tokens(joint, self.top_k)
        return None if ids is None else ids.int(), kept.clamp(min=_MIN_LOG_PROB).half()

    @property
    def device(self) -> torch.device:
        """Where the models run."""
        return best_device()

    @functools.cached_property
    def identity(self) -> str:
        """A hash of everything that its distributions depend on."""
        models = [[hash_file(file) for file in weight_files(name)] or name for name in self.names]
        options = [self.weights, self.mean, self.temperature, self.top_k, str(self.dtype)]
        return hashlib.sha256(json.dumps([models, *options]).encode()).hexdigest()[:16]

    @functools.cached_property
    def _models(self) -> list[Any]:
        models: list[Any] = [load_model(name, self.dtype, flag=_FLAG) for name in self.names]
        return [model.to(self.device).eval().requires_grad_(False) for model in models]


def unpacked(ids: torch.Tensor | None, log_probs: torch.Tensor) -> SoftTokens:
    """What was kept in half precision, as distributions that sum to 1 again."""
    return SoftTokens(None if ids is None else ids.long(), F.log_softmax(log_probs.float(), dim=-1))


def check_soft_teacher(
    name: str,
    *,
    tokenizer: PreTrainedTokenizerBase,
    architecture: PreTrainedConfig,
    method: Method,
    task_prefix: TaskPrefix,
) -> None:
    """InputError where a teacher's distributions would mean something else to the student.

    Its vocabulary must be the student's, entry by entry. A teacher that dsbs trained must have
    learned the same tasks.
    """
    folder = str(model_folder(name))
    _check_vocabulary(name, folder, tokenizer)
    if (Path(folder) / CARD).is_file():
        _check_tasks(name, Path(folder), method, task_prefix)
    other = load_pretrained(folder, AutoConfig.from_pretrained, flag=_FLAG)
    own_family = family_of(architecture)
    if family_of(other) is not own_family or not own_family.writes_text:
        raise InputError(
            f"{_FLAG} {name}",
            got=f"a model of the family {family_of(other).name!r}",
            expected=f"a model that writes text, of the student's family ({own_family.name!r})",
            fix="choose another teacher, or learn label distributions: leave out --soft-teacher",
        )
    outputs = other.get_text_config().vocab_size
    if outputs != architecture.get_text_config().vocab_size:
        raise InputError(
            f"{_FLAG} {name}",
            got=f"{outputs:,} outputs",
            expected=f"the student's {architecture.get_text_config().vocab_size:,}",
            fix="choose a teacher of the student's family",
        )


def _check_vocabulary(name: str, folder: str, tokenizer: PreTrainedTokenizerBase) -> None:
    own = tokenizer.get_vocab()
    other = load_pretrained(folder, AutoTokenizer.from_pretrained, flag=_FLAG).get_vocab()
    if own == other:
        return
    first = min(own.items() ^ other.items(), key=lambda entry: (entry[1], entry[0]))
    raise InputError(
        f"{_FLAG} {name}",
        got=f"a vocabulary of {len(other):,} entries that differs from the student's {len(own):,}, "
        f"first at {first}",
        expected="the student's vocabulary, since tokens are compared",
        fix="choose a teacher of the student's family, or learn from its text: dsbs generate",
    )


def _check_tasks(name: str, folder: Path, method: Method, task_prefix: TaskPrefix) -> None:
    card = read_card(folder)
    if card.task_prefix == "decoder" and task_prefix == "encoder":
        raise InputError(
            f"{_FLAG} {name}",
            got="a teacher whose decoder reads the task's prefix",
            expected="one whose encoder reads it",
            fix="train the teacher with --task-prefix encoder",
        )
    if card.method != method and (card.method, method) != ("step_by_step", "standard"):
        raise InputError(
            f"{_FLAG} {name}",
            got=f"a teacher of method {card.method!r}",
            expected=f"one that learned {method!r}",
            fix="train the teacher by the same method",
        )
