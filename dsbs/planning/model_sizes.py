"""Sizes: numbers as people write them (7B, 770M, 2.2e8, 10k), and how large a model of a name or a folder is.

No model library is loaded.
"""

import json
import re
from pathlib import Path
from typing import NamedTuple

from dsbs.config.presets import BUILT_IN, PACKAGED
from dsbs.core.errors import InputError, nearest
from dsbs.core.files import packaged
from dsbs.core.sizes import parse_size
from dsbs.scaling.flops import T5_SHAPES, EncoderDecoder

_SIZE_IN_NAME = re.compile(r"(?<![a-z0-9.])(\d+(?:\.\d+)?)([bm])(?![a-z0-9])")


class ModelSize(NamedTuple):
    """Parameters of a model; `non_embedding` is what the scaling laws mean by its size."""

    name: str
    params: float
    non_embedding: float


def student_shape(name: str) -> EncoderDecoder | None:
    """The shape of a T5 by its name (any owner; FLAN-T5 has the shapes of v1.1), a folder or a built-in; None for others."""
    if name in BUILT_IN:
        return EncoderDecoder.from_config(BUILT_IN[name])
    config = (packaged(PACKAGED[name]) if name in PACKAGED else Path(name)) / "config.json"
    if config.is_file():
        return EncoderDecoder.from_config(json.loads(config.read_text(encoding="utf-8")))
    known = name.lower().rstrip("/").rsplit("/", 1)[-1].replace("flan-t5-", "t5-v1_1-")
    return T5_SHAPES.get(known)


def known_shape(name: str, flag: str) -> EncoderDecoder:
    """`student_shape`, with InputError for a model of which no shape is known."""
    shape = student_shape(name)
    if shape is None:
        expected = "a T5 by name, a folder with config.json, or tiny"
        raise InputError(
            flag,
            got=repr(name),
            expected=expected,
            fix=nearest(name, [*T5_SHAPES, *BUILT_IN, *PACKAGED]),
        )
    return shape


def student_size(name: str, flag: str = "--student") -> ModelSize:
    """Of a student: a number counts for both sizes. InputError for a name without a known shape."""
    if shape := student_shape(name):
        return ModelSize(name, shape.parameters, shape.non_embedding_parameters)
    return ModelSize(name, *[_number(name, flag)] * 2)


def teacher_params(name: str, flag: str = "--teacher") -> float:
    """Parameters of a teacher: a number, or the size that its name ends in (Qwen2.5-7B-Instruct). InputError for others."""
    if found := _SIZE_IN_NAME.findall(name.lower().rstrip("/").rsplit("/", 1)[-1]):
        return parse_size("".join(found[-1]))
    return _number(name, flag)


def _number(text: str, flag: str) -> float:
    try:
        return parse_size(text)
    except ValueError as error:
        known = (
            f"{error}, or a model whose name says its size"
            if flag == "--teacher"
            else f"{error}, or a T5 by name"
        )
        fix = "give the size itself" if flag == "--teacher" else f"T5 are: {', '.join(T5_SHAPES)}"
        raise InputError(flag, got=repr(text), expected=known, fix=fix) from None
