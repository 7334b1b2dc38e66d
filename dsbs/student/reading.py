"""What decoding and scoring see of a student that writes text."""

from collections.abc import Sequence
from typing import Protocol, Self

import torch


class Reading(Protocol):
    """B inputs that a model has read, and what it has written behind each.

    Inputs are computed once, however much is written behind them.
    """

    def start(self, prompt: Sequence[int]) -> torch.Tensor:
        """(B, P): what is to be written first, the task's prompt (P,) included."""

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """Write ids (B, Y) behind each input; the logits (B, Y, V) of what follows each."""

    def keep(self, rows: torch.Tensor) -> None:
        """Go on with these rows alone."""

    def fork(self, rows: torch.Tensor) -> Self:
        """A reading of these rows (W,) of its own. A row may come several times."""
