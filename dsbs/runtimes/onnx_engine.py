"""An encoder-decoder in ONNX Runtime: one graph for the encoder, one for the decoder.

The decoder's graph has no cache: each step reads what was written so far again. Labels are short,
so that costs little; a rationale of N tokens costs N passes of up to N tokens.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.artifacts.student_card import ExportFacts
from dsbs.core.require import require
from dsbs.runtimes.onnx_session import Ids, mask_of, open_session, padded

ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"

Floats = NDArray[np.float32]


class OnnxEngine:
    """See `Engine`."""

    def __init__(self, folder: Path, facts: ExportFacts, precision: str, threads: int) -> None:
        onnxruntime = require("onnxruntime", "onnx", needed_by="an ONNX export")
        self._encoder = open_session(folder / ENCODER, threads)
        self._decoder = open_session(folder / DECODER, threads)
        self._facts = facts
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}, {precision}"

    def continuations(
        self, inputs: Sequence[list[int]], prompt: Sequence[int], max_new_tokens: int
    ) -> list[list[int]]:
        """See `Engine.continuations`. A row leaves the batch with its end token."""
        mask, states = self._encode(inputs)
        written: Ids = np.tile([self._facts.start_id, *prompt], (len(inputs), 1)).astype(np.int64)
        tokens: list[list[int]] = [[] for _ in inputs]
        live = np.arange(len(inputs))
        for _ in range(max_new_tokens):
            best = self._logits(written, states, mask)[:, -1].argmax(axis=-1)
            for row, token in zip(live, best.tolist(), strict=True):
                tokens[row].append(token)
            going = ~np.isin(best, self._facts.end_ids)
            if not going.any():
                break
            written = np.concatenate([written, best[:, None]], axis=1)[going]
            states = states[going]
            mask = mask[going]
            live = live[going]
        return tokens

    def likelihoods(
        self,
        inputs: Sequence[list[int]],
        owner: Sequence[int],
        prompt: Sequence[int],
        targets: Sequence[list[int]],
    ) -> list[list[float]]:
        """See `Engine.likelihoods`. An input is encoded once for all of its targets."""
        mask, states = self._encode(inputs)
        start = [self._facts.start_id, *prompt]
        read = self._padded([[*start, *ids[:-1]] for ids in targets])
        rows = np.asarray(owner)
        logits = self._logits(read, states[rows], mask[rows])
        given = len(prompt)
        return [
            _chosen(logits[row, given : given + len(ids)], ids) for row, ids in enumerate(targets)
        ]

    def _encode(self, inputs: Sequence[list[int]]) -> tuple[Ids, Floats]:
        """Mask (B, X) and encoder states (B, X, D)."""
        ids = self._padded(inputs)
        mask = mask_of(inputs)
        (states,) = self._encoder.run(None, {"input_ids": ids, "attention_mask": mask})
        return mask, states

    def _logits(self, decoder_ids: Ids, states: Floats, mask: Ids) -> Floats:
        """(B, Y, V)."""
        given: dict[str, Any] = {
            "decoder_input_ids": decoder_ids,
            "states": states,
            "attention_mask": mask,
        }
        (logits,) = self._decoder.run(None, given)
        return np.asarray(logits)

    def _padded(self, rows: Sequence[Sequence[int]]) -> Ids:
        return padded(rows, self._facts.pad_id)


def _chosen(logits: Floats, ids: Sequence[int]) -> list[float]:
    """The log-probabilities of ids (Y,) under logits (Y, V)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    norm = np.log(np.exp(shifted).sum(axis=-1))
    found: list[float] = (shifted[np.arange(len(ids)), list(ids)] - norm).tolist()
    return found
