"""Operations and parameters of decoder-only models and encoders, against models themselves."""

import numpy as np
import pytest

from dsbs.scaling.single_stack import STACK_SHAPES, SingleStack

SIZES = {
    "gemma-3-270m": (268e6, 100e6),
    "gemma-3-1b": (1.0e9, 0.70e9),
    "qwen3-0.6b": (0.596e9, 0.44e9),
    "qwen3-1.7b": (1.72e9, 1.41e9),
    "qwen3-4b": (4.02e9, 3.63e9),
    "smollm2-135m": (134.5e6, 106e6),
    "smollm2-360m": (362e6, 315e6),
    "smollm2-1.7b": (1.71e9, 1.61e9),
    "smollm3-3b": (3.08e9, 2.81e9),
}
"""As their model cards have them, or the sum of the matrices in their config.json."""


def test_sizes_are_those_of_the_model_cards() -> None:
    assert SIZES.keys() == STACK_SHAPES.keys()
    for name, (parameters, without) in SIZES.items():
        assert STACK_SHAPES[name].parameters == pytest.approx(parameters, rel=0.01), name
        assert STACK_SHAPES[name].non_embedding_parameters == pytest.approx(without, rel=0.01), name


@pytest.mark.parametrize("name", ["tiny-gemma", "tiny-qwen", "tiny-llama"])
def test_operations_are_those_that_pytorch_counts(name: str) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import AutoModelForCausalLM

    from dsbs.student.model import load_config, load_tokenizer

    config = load_config(name, load_tokenizer(name, lambda: ["a few words"]), 0.0)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    shape = SingleStack.from_config(config.to_dict())
    assert shape is not None
    matrices = sum(p.numel() for p in model.parameters() if p.dim() > 1)
    assert shape.parameters == matrices
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(1, 12, dtype=torch.long))
    counted = shape.forward_flops(np.array([12.0]), predicted_tokens=np.array([12.0]))[0]
    # Positions are turned by a small matrix product too.
    assert counter.get_total_flops() == pytest.approx(counted, rel=0.01)


def test_a_shape_that_is_not_known_is_none() -> None:
    assert SingleStack.from_config({"hidden_size": 8}) is None
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    sizes |= {"num_hidden_layers": 1, "vocab_size": 9}
    assert SingleStack.from_config(sizes) is not None
    assert SingleStack.from_config(sizes | {"num_experts": 4}) is None
