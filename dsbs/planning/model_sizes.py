"""How large a model is, by its name, its folder or a number. No model library is loaded."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsbs.config.presets import BUILT_IN, PACKAGED
from dsbs.core.errors import InputError, nearest
from dsbs.core.files import packaged
from dsbs.core.sizes import parse_size
from dsbs.planning.plan import Part
from dsbs.scaling.encoder_decoder import T5_SHAPES, EncoderDecoder
from dsbs.scaling.single_stack import STACK_SHAPES, SingleStack, StudentShape

_SIZE_IN_NAME = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])")

_TRAINED_FOR = re.compile(r"-(pt|it|base|instruct)$")
"""What hub names of one shape end with."""


class ModelSize(Part):
    """The size of a model."""

    name: str
    params: float
    """All parameters."""
    non_embedding: float
    """Parameters without embeddings, which is what the scaling laws count."""


def student_shape(name: str) -> StudentShape | None:
    """The shape of a student by its name, its folder, or as a built-in; None for other models.

    A name may have any owner. FLAN-T5 has the shapes of T5 v1.1.
    """
    if name in BUILT_IN:
        return shape_of(BUILT_IN[name])
    folder = packaged(PACKAGED[name]) if name in PACKAGED else Path(name)
    config = folder / "config.json"
    if config.is_file():
        return shape_of(read_model_config(config))
    base = _basename(name)
    stack = STACK_SHAPES.get(_TRAINED_FOR.sub("", base))
    return stack or T5_SHAPES.get(base.replace("flan-t5-", "t5-v1_1-"))


def shape_of(config: Mapping[str, Any]) -> StudentShape:
    """The shape by a `config.json`. InputError for a model whose shape is not known."""
    single = None if config.get("is_encoder_decoder") else SingleStack.from_config(config)
    return single or EncoderDecoder.from_config(config)


def read_model_config(path: Path) -> dict[str, Any]:
    """The config.json of a model. Raises InputError where it is damaged."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            path, got=error, expected="the configuration of a model", fix="get the model again"
        ) from None
    if not isinstance(config, dict):
        got = f"a {type(config).__name__}"
        raise InputError(
            path, got=got, expected="the configuration of a model", fix="get the model again"
        )
    return config


def known_shape(name: str, flag: str) -> StudentShape:
    """`student_shape`; InputError for a model without a known shape."""
    shape = student_shape(name)
    if shape is None:
        expected = "a T5, Gemma 3, Qwen 3 or SmolLM by name, a folder with config.json, or tiny"
        fix = nearest(name, [*T5_SHAPES, *STACK_SHAPES, *BUILT_IN, *PACKAGED])
        raise InputError(flag, got=repr(name), expected=expected, fix=fix)
    return shape


def student_size(name: str, flag: str = "--student") -> ModelSize:
    """The size of a student: by its shape, or a number, which then counts for both sizes.

    Raises:
        InputError: for a name without a known shape.
    """
    if shape := student_shape(name):
        return ModelSize(
            name=name, params=shape.parameters, non_embedding=shape.non_embedding_parameters
        )
    try:
        size = parse_size(name)
    except ValueError as error:
        expected = f"{error}, or a student by name"
        fix = f"T5 are: {', '.join(T5_SHAPES)}; others: {', '.join(STACK_SHAPES)}"
        raise InputError(flag, got=repr(name), expected=expected, fix=fix) from None
    return ModelSize(name=name, params=size, non_embedding=size)


def teacher_params(name: str, flag: str = "--teacher") -> float:
    """Parameters of a teacher: a number, or the size in its name (Qwen2.5-7B-Instruct).

    Raises:
        InputError: for a name without a size.
    """
    if found := _SIZE_IN_NAME.findall(_basename(name)):
        return parse_size("".join(found[-1]))
    try:
        return parse_size(name)
    except ValueError as error:
        expected = f"{error}, or a model with its size in its name"
        fix = "give the size itself"
        raise InputError(flag, got=repr(name), expected=expected, fix=fix) from None


def _basename(name: str) -> str:
    """The last part of a name or path, in lower case."""
    return name.lower().rstrip("/").rsplit("/", 1)[-1]
