"""Keys and values of the tokens that all prompts of a batch begin with."""

from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer


class RoomyLayer(DynamicLayer):
    """A layer of the cache with room for the tokens to come.

    transformers' own layer is copied whole for every token, which takes two fifths of the time of a
    small model with a long prompt.
    """

    def __init__(self, keys: Any, values: Any, count: int, room: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lazy_initialization(keys, values)
        self._all_keys = _with_room(keys, count, room)
        self._all_values = _with_room(values, count, room)
        self._show(keys.shape[-2])

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Store the keys and values of new tokens, of shape (prompts, heads, tokens, size).

        Comes back: those of all tokens.
        """
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        self._all_keys[..., start:end, :] = key_states
        self._all_values[..., start:end, :] = value_states
        return self._show(end)

    def _show(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.keys = self._all_keys[..., :length, :]
        self.values = self._all_values[..., :length, :]
        return self.keys, self.values


def read_shared(model: Any, shared: list[int], *, count: int, room: int) -> DynamicCache:
    """Keys and values of these tokens, once per prompt, with room for so many tokens more."""
    cache = DynamicCache(config=model.config)
    ids = torch.tensor([shared], device=model.device)
    model.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
    layers: list[Any] = cache.layers
    cache.layers = [RoomyLayer(layer.keys, layer.values, count, room) for layer in layers]
    return cache


def _with_room(states: torch.Tensor, count: int, room: int) -> torch.Tensor:
    """The states of one prompt for `count` prompts, in a tensor that is longer by `room`."""
    _, heads, length, size = states.shape
    held = states.new_empty(count, heads, length + room, size)
    held[..., :length, :] = states
    return held
