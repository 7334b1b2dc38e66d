"""Encoder-decoders: the encoder reads the input, the decoder writes the target."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F
from transformers import (
    AutoModelForSeq2SeqLM,
    Cache,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import BaseModelOutput

from dsbs.config.base import Decode
from dsbs.config.recipe_options import TaskPrefix
from dsbs.core.errors import InputError
from dsbs.core.records import FamilyName, Method, TrainPair
from dsbs.scaling.encoder_decoder import EncoderDecoder, training_flops
from dsbs.student.codec import Codec
from dsbs.student.encoding import Encoded, EncodedTarget, encode_pairs
from dsbs.student.family import PassLogits
from dsbs.student.forward import decoder_inputs, decoder_mask, packed_logits, target_logits
from dsbs.student.padding import IGNORED, MicroBatch, label_scores
from dsbs.student.t5.fused_layers import can_pack, fuse_layers
from dsbs.student.text_rows import text_rows
from dsbs.tasks.task import Task


class EncoderDecoderFamily:
    """See `family.Family`. T5 and mT5 are computed in fewer passes over memory."""

    name: FamilyName = "encoder-decoder"
    writes_text = True
    auto_class: Any = AutoModelForSeq2SeqLM
    adapter_task = "SEQ_2_SEQ_LM"

    def check(self, task: Task, method: Method) -> None:
        """Do nothing: it learns every task by every method."""

    def task_prefix(self, wanted: TaskPrefix, architecture: PreTrainedConfig) -> TaskPrefix:
        """As wanted. InputError for a decoder that knows more of positions than distances."""
        if wanted == "decoder" and architecture.model_type not in ("t5", "mt5"):
            raise InputError(
                "--task-prefix",
                got=f"decoder with a student of type {architecture.model_type!r}",
                expected="t5 or mt5, whose decoders know distances alone",
                fix="use --task-prefix encoder",
            )
        return wanted

    def decode(self, wanted: Decode) -> Decode:
        """As wanted."""
        return wanted

    def configure(self, architecture: PreTrainedConfig, task: Task) -> None:
        """Do nothing."""

    def codec(self, tokenizer: PreTrainedTokenizerBase, architecture: PreTrainedConfig) -> Codec:
        """Texts of their own on both sides."""
        return Codec(tokenizer)

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
        """The model with faster layers, where it is a T5."""
        return fuse_layers(model)

    def set_generation(self, model: Any, tokenizer: PreTrainedTokenizerBase) -> None:
        """Do nothing."""

    def packs(self, model: Any, *, recomputes: bool) -> bool:
        """Whether it is a T5 on a CPU."""
        # Checkpointing computes a layer again by itself, outside of the packed context.
        return can_pack(model) and not recomputes

    def micro_batch(
        self, rows: Sequence[Sequence[EncodedTarget]], tasks: Sequence[str], pad: int
    ) -> MicroBatch:
        """Rows of an input and its targets."""
        return text_rows(rows, tasks, pad)

    def pass_logits(self, model: Any, student: Any, batches: Sequence[MicroBatch]) -> PassLogits:
        """One forward pass; see `family.Family`."""
        if len(batches) > 1:
            return PassLogits(packed_logits(model, student, batches), None)
        (batch,) = batches
        if len(batch.candidates):
            return _with_candidates(model, student, batch)
        inputs = {
            "input_ids": batch.input_ids,
            "attention_mask": batch.attention_mask,
            "decoder_input_ids": decoder_inputs(student, batch),
            "decoder_attention_mask": decoder_mask(batch),
        }
        return PassLogits(target_logits(model, student, batch.labels, inputs), None)

    def read(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> "EncodedReading":
        """Encode inputs (B, X)."""
        return EncodedReading(model, ids, mask)

    def training_flops(
        self, rows: Sequence[Sequence[EncodedTarget]], architecture: PreTrainedConfig
    ) -> NDArray[np.float64]:
        """(R,): operations of training on each row; 0 for other models than T5 and mT5."""
        if architecture.model_type not in ("t5", "mt5"):
            return np.zeros(len(rows))
        shape = EncoderDecoder.from_config(architecture.to_dict())
        inputs = np.array([len(row[0].input_ids) for row in rows], dtype=float)
        targets = np.array([sum(s.decoder_tokens for s in row) for row in rows], dtype=float)
        extra = [sum(_extra_flops(shape, sequence) for sequence in row) for row in rows]
        flops: NDArray[np.float64] = training_flops(shape, inputs, target_tokens=targets) + extra
        return flops


class EncodedReading:
    """Encoded inputs, and what the decoder has written for each; see `reading.Reading`."""

    def __init__(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> None:
        self._model = model
        self._first = model.prepare_decoder_input_ids_from_labels(ids[:, :1])
        encoder = model.get_encoder()
        self._states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, X, D)
        self._mask = mask
        self._cache: Cache | None = None

    def start(self, prompt: Sequence[int]) -> torch.Tensor:
        """(B, 1 + P): the start token and the prompt."""
        given = self._first.new_tensor(prompt).expand(len(self._first), -1)
        return torch.cat([self._first, given], dim=1)

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """Write ids (B, Y); the logits (B, Y, V) of what follows each."""
        out = self._model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self._states),
            attention_mask=self._mask,
            decoder_input_ids=ids,
            past_key_values=self._cache,
            use_cache=True,
        )
        self._cache = out.past_key_values
        logits: torch.Tensor = out.logits
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone."""
        if self._cache is not None:
            self._cache.batch_select_indices(rows)
        self._first = self._first[rows]
        self._states = self._states[rows]
        self._mask = self._mask[rows]

    def fork(self, rows: torch.Tensor) -> Self:
        """A reading of these rows of its own."""
        other = copy.copy(self)
        other._cache = copy.deepcopy(self._cache)
        other.keep(rows)
        return other


def _with_candidates(model: Any, student: Any, batch: MicroBatch) -> PassLogits:
    """An input is encoded once for its target and all of its candidates."""
    states = student.get_encoder()(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask
    ).last_hidden_state
    own_rows = torch.arange(len(batch.labels), device=batch.candidate_owner.device)
    rows = torch.cat([own_rows, batch.candidate_owner])
    width = max(batch.labels.shape[1], batch.candidate_labels.shape[1])
    texts = [
        F.pad(ids, (0, width - ids.shape[1]), value=IGNORED)
        for ids in (batch.labels, batch.candidate_labels)
    ]
    encoded = {
        "encoder_outputs": BaseModelOutput(last_hidden_state=states[rows]),  # (S + C, X, D)
        "attention_mask": batch.attention_mask[rows],
    }
    logits = target_logits(model, student, torch.cat(texts), encoded)
    own = int(batch.labels.ne(IGNORED).sum())
    scores = label_scores(
        logits[own:], batch.candidate_labels, batch.candidate_owner, len(batch.weight)
    )
    return PassLogits(logits[:own], scores)


def _extra_flops(shape: EncoderDecoder, sequence: EncodedTarget) -> float:
    """What a sequence costs besides its tokens.

    Candidates cost the decoder's part, and keys and values of the input. The tokens of a prompt
    cost less than others, since they have no logits.
    """
    if not sequence.candidates:
        return -6.0 * shape.d_model * shape.n_vocab * len(sequence.prompt)
    inputs = len(sequence.input_ids)
    tokens = sum(map(len, sequence.candidates))
    with_candidates = training_flops(shape, inputs, target_tokens=1 + tokens)
    without = training_flops(shape, inputs, target_tokens=1)
    # Keys and values: 3 passes x 2 operations x half of the attention's matrices.
    per_candidate = 3 * shape.n_decoder_layers * shape.attention_parameters * inputs
    return float(with_candidates - without + per_candidate * len(sequence.candidates))


ENCODER_DECODER = EncoderDecoderFamily()
