"""Memory of training."""

import pytest

from dsbs.planning.hardware import activation_bytes, optimizer_bytes, training_memory
from dsbs.scaling.encoder_decoder import T5_SHAPES, EncoderDecoder


@pytest.mark.parametrize("feed_forward", ["relu", "gated-gelu"])
def test_activations_are_a_little_more_than_torch_keeps(feed_forward: str) -> None:
    import torch
    from transformers import T5Config, T5ForConditionalGeneration

    sizes = {
        "d_model": 96,
        "d_kv": 16,
        "d_ff": 160,
        "num_heads": 4,
        "num_layers": 3,
        "num_decoder_layers": 2,
        "vocab_size": 300,
    }
    config = T5Config(
        **sizes,
        feed_forward_proj=feed_forward,
        decoder_start_token_id=0,
        attn_implementation="eager",
    )
    model, kept = T5ForConditionalGeneration(config).train(), {}
    weights = {shape for p in model.parameters() for shape in (p.shape, p.shape[::-1])}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.shape not in weights:  # nor their bfloat16 copies, which count as weights
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes(), tensor
        return tensor

    s, t = 120, 40
    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        model(
            input_ids=torch.ones(1, s, dtype=torch.long), labels=torch.ones(1, t, dtype=torch.long)
        )
    shape = EncoderDecoder.from_config(config.to_dict())
    assert 1.0 < activation_bytes(shape, s, t) / sum(size for size, _ in kept.values()) < 1.2


def test_sharding_divides_all_but_activations() -> None:
    shape = T5_SHAPES["t5-v1_1-base"]
    one, eight = (
        training_memory(
            shape, optimizer="adamw", batch=4, input_tokens=100, target_tokens=20, devices=n
        )
        for n in (1, 8)
    )
    assert one.weights + one.gradients + one.optimizer_states == 18 * shape.parameters
    assert [a / b for a, b in zip(one, eight, strict=True)] == [8, 8, 8, 1]
    assert optimizer_bytes(shape, "adafactor") < 0.02 * optimizer_bytes(shape, "adamw")
    assert optimizer_bytes(shape, "adamw_8bit") == optimizer_bytes(shape, "adamw") / 4
