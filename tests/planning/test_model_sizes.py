"""The number of parameters, from a shape or from a name."""

import json
from pathlib import Path

import pytest

from dsbs.config.presets import BUILT_IN
from dsbs.core.errors import InputError
from dsbs.planning.model_sizes import shape_of, student_shape, student_size, teacher_params
from dsbs.scaling.encoder_decoder import T5_SHAPES, EncoderDecoder


def test_a_students_size_is_its_shapes(tmp_path: Path) -> None:
    by_name = student_size("google/flan-t5-base")
    assert (by_name.params, by_name.non_embedding) == (
        247_577_856,
        T5_SHAPES["t5-v1_1-base"].non_embedding_parameters,
    )
    config = {
        "d_model": 64,
        "d_kv": 16,
        "num_heads": 4,
        "d_ff": 128,
        "num_layers": 2,
        "vocab_size": 2048,
    }
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "t5"}))
    assert student_size(str(tmp_path)).params == EncoderDecoder.from_config(config).parameters
    assert student_size("770M").non_embedding == 770e6
    assert round(student_size("google/gemma-3-270m-it").non_embedding / 1e6) == 100
    assert round(student_size("Qwen/Qwen3-0.6B-Base").params / 1e6) == 596
    assert round(student_size("HuggingFaceTB/SmolLM2-135M").params / 1e6) == 134
    assert student_shape("tiny-bert") == shape_of(BUILT_IN["tiny-bert"])
    with pytest.raises(InputError, match="T5 are: t5-small"):
        student_size("bert-base")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", 7e9),
        ("SmolLM2-135M", 135e6),
        ("llama-3.1-70b", 70e9),
        ("540B", 540e9),
        ("8x7b-32b", 32e9),
    ],
)
def test_a_teachers_size_is_read_from_its_name(name: str, size: float) -> None:
    assert teacher_params(name) == size
