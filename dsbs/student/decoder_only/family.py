"""Decoder-only models: the target continues the input and the task's marker."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoModelForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from dsbs.config.base import Decode
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.records import FamilyName, Method, TrainPair
from dsbs.scaling.single_stack import SingleStack
from dsbs.student.codec import Codec
from dsbs.student.decoder_only.attention import forward
from dsbs.student.decoder_only.codec import ContinuedCodec
from dsbs.student.decoder_only.layout import layout
from dsbs.student.decoder_only.reading import ContinuedReading
from dsbs.student.decoder_only.ready import check_tokens, make_ready, write_greedily
from dsbs.student.encoding import Encoded, EncodedTarget, encode_pairs
from dsbs.student.family import PassLogits
from dsbs.student.forward import logits_only_at
from dsbs.student.padding import MicroBatch, label_scores
from dsbs.student.text_rows import text_rows
from dsbs.tasks.task import Task


class DecoderOnlyFamily:
    """See `family.Family`. All tasks of a row share one computation of its input."""

    name: FamilyName = "decoder-only"
    writes_text = True
    auto_class: Any = AutoModelForCausalLM
    adapter_task = "CAUSAL_LM"

    def check(self, task: Task, method: Method) -> None:
        """Do nothing: it learns every task by every method."""

    def task_prefix(self, wanted: TaskPrefix, architecture: PreTrainedConfig) -> TaskPrefix:
        """Always behind the input."""
        return "decoder"

    def decode(self, wanted: Decode) -> Decode:
        """As wanted."""
        return wanted

    def configure(self, architecture: PreTrainedConfig, task: Task) -> None:
        """Do nothing."""

    def codec(self, tokenizer: PreTrainedTokenizerBase, architecture: PreTrainedConfig) -> Codec:
        """Input, marker and target, one behind the other. InputError without an end token."""
        check_tokens(tokenizer)
        return ContinuedCodec(tokenizer)

    def encode(
        self,
        pairs: Sequence[TrainPair],
        codec: Codec,
        *,
        options: Mapping[str, Sequence[str]],
        **settings: Any,
    ) -> Encoded:
        """A training set as token ids. Every label is a text, so options do not matter."""
        return encode_pairs(pairs, codec, **settings)

    def ready(self, model: PreTrainedModel) -> PreTrainedModel:
        """The model with attention over parts. InputError where that changes what it computes."""
        return make_ready(model)

    def set_generation(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        """Greedy, up to the tokenizer's end token."""
        write_greedily(model, tokenizer)

    def packs(self, model: Any, *, recomputes: bool) -> bool:
        """Yes, always."""
        return True

    def micro_batch(
        self, rows: Sequence[Sequence[EncodedTarget]], tasks: Sequence[str], pad: int
    ) -> MicroBatch:
        """Rows of an input and all its targets."""
        return text_rows(rows, tasks, pad)

    def pass_logits(self, model: Any, student: Any, batches: Sequence[MicroBatch]) -> PassLogits:
        """One forward pass over all rows as one row of tokens; see `family.Family`."""
        layouts = [layout(batch) for batch in batches]
        ids = torch.cat([each.ids.flatten() for each in layouts])[None]
        positions = torch.cat([each.positions.flatten() for each in layouts])[None]
        places = []
        first = 0
        for each in layouts:
            places.append(each.before_labels + first)
            first += each.ids.numel()
        own = sum(map(len, places))
        wanted = torch.cat([*places, *(each.before_candidates for each in layouts[:1])])
        with logits_only_at(student, (torch.zeros_like(wanted), wanted)):
            parts = [each.part for each in layouts]
            logits = forward(model, ids, positions, parts=parts, use_cache=False).logits
        if len(batches) > 1 or not len(batches[0].candidates):
            return PassLogits(logits, None)
        (batch,) = batches
        scores = label_scores(
            logits[own:], batch.candidate_labels, batch.candidate_owner, len(batch.weight)
        )
        return PassLogits(logits[:own], scores)

    def read(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> ContinuedReading:
        """Read inputs (B, X) into a cache."""
        return ContinuedReading(model, ids, mask)

    def training_flops(
        self, rows: Sequence[Sequence[EncodedTarget]], architecture: PreTrainedConfig
    ) -> NDArray[np.float64]:
        """(R,): operations of training on each row; 0 for a shape that dsbs does not know."""
        shape = SingleStack.from_config(architecture.get_text_config().to_dict())
        if shape is None:
            return np.zeros(len(rows))
        inputs = np.array([len(row[0].input_ids) for row in rows], dtype=float)
        written = np.array([sum(map(_written_tokens, row)) for row in rows], dtype=float)
        predicted = np.array([sum(map(_predicted_tokens, row)) for row in rows], dtype=float)
        return shape.training_flops(inputs + written, predicted_tokens=predicted)


def _written_tokens(sequence: EncodedTarget) -> int:
    """Tokens behind the input: of the sequence and its candidates, each with the prompt."""
    prompts = len(sequence.prompt) * len(sequence.candidates)
    return sequence.decoder_tokens + prompts + sum(map(len, sequence.candidates))


def _predicted_tokens(sequence: EncodedTarget) -> int:
    """Tokens that have logits."""
    return len(sequence.target_ids) + sum(map(len, sequence.candidates))


DECODER_ONLY = DecoderOnlyFamily()
