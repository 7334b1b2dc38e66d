"""Larger students of the same vocabulary as teachers: their distribution for every target token."""

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
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

from dsbs.core.errors import InputError
from dsbs.core.hashing import hash_file
from dsbs.core.records import Method
from dsbs.metrics.distributions import Mean
from dsbs.student.checkpoint import BEST, CARD, best_device, read_card
from dsbs.student.model import loaded
from dsbs.student.padding import IGNORED, MicroBatch
from dsbs.training.objective import SoftTokens
from dsbs.training.soft_targets import likeliest, mean_log_probs


class WhiteBoxTeacher:
    """Runs its models when it is first asked, so that a complete cache needs none of them in memory."""

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
        self.names, self.weights = (
            [str(model_folder(name)) for name in names],
            list(weights) or [1.0] * len(names),
        )
        self.mean, self.temperature, self.top_k, self.dtype = mean, temperature, top_k, dtype

    def __call__(self, batch: MicroBatch) -> SoftTokens:
        return unpacked(*self.packed(batch))

    @torch.no_grad()
    def packed(self, batch: MicroBatch) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Ids (int32) and log-probabilities (half precision) of the batch's target tokens: what a cache keeps."""
        real = batch.labels.ne(IGNORED)
        with torch.autocast(batch.labels.device.type, enabled=False):
            found = [
                model(
                    input_ids=batch.input_ids,
                    attention_mask=batch.attention_mask,
                    labels=batch.labels,
                ).logits[real]
                for model in self._models
            ]
        log_probs = [F.log_softmax(logits.float() / self.temperature, dim=-1) for logits in found]
        ids, kept = likeliest(mean_log_probs(log_probs, self.weights, self.mean), self.top_k)
        return None if ids is None else ids.int(), kept.clamp(min=_LEAST).half()

    @property
    def device(self) -> torch.device:
        """Where its models run."""
        return best_device()

    @functools.cached_property
    def identity(self) -> str:
        """A hash of all that changes what it says: the models' weights, and how their distributions are made one."""
        models = [
            [hash_file(f) for f in sorted(Path(n).glob("*.safetensors"))] or n for n in self.names
        ]
        told = [models, self.weights, self.mean, self.temperature, self.top_k, str(self.dtype)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]

    @functools.cached_property
    def _models(self) -> list[Any]:
        found = [
            loaded(
                n, AutoModelForSeq2SeqLM.from_pretrained, flag="--soft-teacher", dtype=self.dtype
            )
            for n in self.names
        ]
        return [model.to(self.device).eval().requires_grad_(False) for model in found]


_LEAST = -60.0
"""Far below any probability that matters, and above the -inf of half precision."""


def unpacked(ids: torch.Tensor | None, log_probs: torch.Tensor) -> SoftTokens:
    """What was kept in half precision as a distribution again: one that sums to 1."""
    return SoftTokens(None if ids is None else ids.long(), F.log_softmax(log_probs.float(), dim=-1))


def model_folder(name: str) -> Path | str:
    """The model of a run folder of train, else the name itself."""
    return Path(name) / BEST if (Path(name) / BEST / CARD).is_file() else name


def check_soft_teacher(
    name: str, *, tokenizer: PreTrainedTokenizerBase, architecture: PreTrainedConfig, method: Method
) -> None:
    """InputError where this teacher's distributions mean something else to the student.

    Its vocabulary must be the student's, entry by entry; a teacher that dsbs trained must have learned the same tasks.
    """
    folder, flag = model_folder(name), f"--soft-teacher {name}"
    own, other = (
        tokenizer.get_vocab(),
        loaded(str(folder), AutoTokenizer.from_pretrained, flag="--soft-teacher").get_vocab(),
    )
    if own != other:
        apart = next(
            iter(sorted(own.items() ^ other.items(), key=lambda entry: (entry[1], entry[0])))
        )
        got = f"a vocabulary of {len(other):,} entries that differs from the student's {len(own):,}, first at {apart}"
        fix = "choose a teacher of the student's family, or learn from its text: dsbs generate"
        raise InputError(
            flag, got=got, expected="the student's vocabulary, since tokens are compared", fix=fix
        )
    card = read_card(Path(folder)) if (Path(folder) / CARD).is_file() else None
    if card and card.task_prefix == "decoder":
        fix = "train the teacher with --task-prefix encoder"
        raise InputError(
            flag,
            got="a teacher whose decoder is told the task",
            expected="one that reads it in the input",
            fix=fix,
        )
    learned = card.method if card else method
    if learned != method and (learned, method) != ("step_by_step", "standard"):
        got = f"a teacher of method {learned!r}"
        raise InputError(
            flag,
            got=got,
            expected=f"one that learned {method!r}",
            fix="train the teacher by the same method",
        )
    width = loaded(str(folder), AutoConfig.from_pretrained, flag="--soft-teacher").vocab_size
    if width != architecture.vocab_size:
        fix = "choose a teacher of the student's family"
        raise InputError(
            flag,
            got=f"{width:,} outputs",
            expected=f"the student's {architecture.vocab_size:,}",
            fix=fix,
        )
