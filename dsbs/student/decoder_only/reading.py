"""Inputs that a decoder-only student has read, for decoding and scoring."""

import copy
from collections.abc import Sequence
from typing import Any, Self

import torch
from transformers import DynamicCache

from dsbs.student.decoder_only.attention import Part, forward
from dsbs.student.forward import logits_only_at


class ContinuedReading:
    """Keys and values of inputs and of what is written behind them; see `reading.Reading`."""

    def __init__(self, model: Any, ids: torch.Tensor, mask: torch.Tensor) -> None:
        """Read inputs (B, X), padded on the right where the mask (B, X) is 0."""
        self._model = model
        self._cache = DynamicCache()
        self._positions = mask[:, :0]
        self._real = mask[:, :0].bool()
        self._next = torch.zeros_like(mask[:, :1])
        with logits_only_at(model, torch.zeros_like(mask, dtype=torch.bool)):
            self._write(ids, mask.bool())
        self._next = mask.sum(dim=1, keepdim=True)

    def start(self, prompt: Sequence[int]) -> torch.Tensor:
        """(B, P): the prompt."""
        return self._next.new_tensor(prompt).expand(len(self._next), -1)

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """Write ids (B, Y); the logits (B, Y, V) of what follows each."""
        logits = self._write(ids, torch.ones_like(ids, dtype=torch.bool))
        self._next = self._next + ids.shape[1]
        return logits

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone."""
        self._cache.batch_select_indices(rows)
        self._positions = self._positions[rows]
        self._real = self._real[rows]
        self._next = self._next[rows]

    def fork(self, rows: torch.Tensor) -> Self:
        """A reading of these rows of its own."""
        other = copy.copy(self)
        other._cache = copy.deepcopy(self._cache)
        other.keep(rows)
        return other

    def _write(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        places = torch.arange(ids.shape[1], device=ids.device)
        positions = self._next + places
        known = self._real.shape[1]
        self._positions = torch.cat([self._positions, positions], dim=1)
        self._real = torch.cat([self._real, real], dim=1)
        earlier = torch.arange(known + len(places), device=ids.device) <= known + places[:, None]
        own = torch.eye(len(places), known + len(places), dtype=torch.bool, device=ids.device)
        own = own.roll(known, dims=1)
        # A padding token reads itself: a softmax over nothing is NaN.
        readable = (self._real[:, None] & earlier) | own
        part = Part(readable[:, None], positions, self._positions)
        logits: torch.Tensor = forward(
            self._model,
            ids,
            positions,
            parts=[part],
            past_key_values=self._cache,
            use_cache=True,
        ).logits
        return logits
