"""What an export's run-time computes: continuations and likelihoods of token ids."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """A model that writes text and that some run-time computes."""

    runtime: str
    """Its name and version, and how it computes."""

    def continuations(
        self, inputs: Sequence[list[int]], prompt: Sequence[int], max_new_tokens: int
    ) -> list[list[int]]:
        """The greedy continuation of every input of a batch.

        Args:
            inputs: Token ids that the model reads.
            prompt: What the decoder reads before it writes, behind its start token if it has one.
            max_new_tokens: Most tokens to generate; fewer where the end token comes first.
        """
        ...

    def likelihoods(
        self,
        inputs: Sequence[list[int]],
        owner: Sequence[int],
        prompt: Sequence[int],
        targets: Sequence[list[int]],
    ) -> list[list[float]]:
        """The log-probability of every token of every target.

        Args:
            inputs: Token ids that the model reads.
            owner: The number of each target's input.
            prompt: What the decoder reads before each target.
            targets: Token ids that the decoder produces.
        """
        ...


class Classifier(Protocol):
    """An encoder with a head that some run-time computes."""

    runtime: str
    """Its name and version, and how it computes."""

    def logits(self, texts: Sequence[list[int]]) -> NDArray[np.float64]:
        """(N, C): the scores of C classes, or of one option, for each text of a batch."""
        ...
