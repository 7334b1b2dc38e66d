"""Which kinds of student can be exported to what, in one table."""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from dsbs.artifacts.student_card import ExportFacts, StudentCard
from dsbs.config.export import Quantize, Target
from dsbs.core.errors import InputError, brief
from dsbs.core.records import FamilyName


class Convert(Protocol):
    """Writes weights and tokenizer of a checkpoint in the form of a target."""

    def __call__(self, checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
        """Write into the folder `out`, which exists and is empty."""
        ...


class Route(NamedTuple):
    """How one kind of student gets to one target."""

    module: str
    """The module of `dsbs.exporting` whose `convert` does it."""
    runtime: str
    """What then computes: one of `runtimes.open.RUNTIMES`, or torch."""
    packages: tuple[str, ...]
    """What converting needs besides PyTorch."""
    quantizes: bool = True


ROUTES: Mapping[tuple[FamilyName, Target], Route] = {
    ("encoder-decoder", "hf"): Route("to_hf", "torch", (), quantizes=False),
    ("encoder-decoder", "ctranslate2"): Route("to_ctranslate2", "ctranslate2", ("ctranslate2",)),
    ("encoder-decoder", "onnx"): Route("to_onnx", "onnxruntime", ("onnx", "onnxruntime")),
    ("decoder-only", "hf"): Route("to_hf", "torch", (), quantizes=False),
    ("decoder-only", "ctranslate2"): Route(
        "decoder_to_ctranslate2", "ctranslate2", ("ctranslate2",)
    ),
    ("encoder", "hf"): Route("to_hf", "torch", (), quantizes=False),
    ("encoder", "onnx"): Route("encoder_to_onnx", "onnxruntime", ("onnx", "onnxruntime")),
}
"""A pair that is not here is refused."""


def route_of(family: FamilyName, target: Target, quantize: Quantize, checkpoint: Path) -> Route:
    """How to export. InputError, with the ways that there are, where there is none."""
    route = ROUTES.get((family, target))
    if route is None:
        there = [name for kind, name in ROUTES if kind == family]
        ways = f"use --to {' or '.join(there)}" if there else "serve the run itself, with PyTorch"
        raise InputError(
            f"--to {target}",
            got=f"a student of kind {family} ({checkpoint})",
            expected=f"one of {', '.join(sorted(kind for kind, to in ROUTES if to == target))}",
            fix=ways,
        )
    if quantize != "none" and not route.quantizes:
        raise InputError(
            f"--quantize {quantize}",
            got=f"--to {target}",
            expected="a target with weights in 8 bits",
            fix="use --to ctranslate2, or --quantize none",
        )
    return route


def converter(route: Route) -> Convert:
    """The function that converts. Its libraries are loaded now."""
    convert: Convert = importlib.import_module(f"dsbs.exporting.{route.module}").convert
    return convert


def facts_of(
    checkpoint: Path, target: Target, family: FamilyName, *, source: str, versions: dict[str, str]
) -> ExportFacts:
    """What an export needs to know of its model and tokenizer, from their files."""
    tokenizer = _json(checkpoint / "tokenizer_config.json")
    return ExportFacts(
        target=target,
        family=family,
        source=source,
        versions=versions,
        clean_up=bool(tokenizer.get("clean_up_tokenization_spaces", False)),
        **_tokens_of(checkpoint, family),
    )


def _tokens_of(checkpoint: Path, family: FamilyName) -> dict[str, Any]:
    """What an export needs to know of its student's tokens."""
    if family == "encoder-decoder":
        return _seq2seq_tokens(checkpoint)
    module = "encoder_to_onnx" if family == "encoder" else "decoder_tokens"
    tokens_of = importlib.import_module(f"dsbs.exporting.{module}").tokens_of
    found: dict[str, Any] = tokens_of(checkpoint)
    return found


def _seq2seq_tokens(checkpoint: Path) -> dict[str, Any]:
    """The special tokens of an encoder-decoder."""
    config = _json(checkpoint / "config.json")
    generation = checkpoint / "generation_config.json"
    chosen = _json(generation) if generation.is_file() else {}
    ends = chosen.get("eos_token_id", config.get("eos_token_id"))
    start = config.get("decoder_start_token_id")
    pad = config.get("pad_token_id")
    if not isinstance(start, int) or not isinstance(pad, int) or not isinstance(ends, int | list):
        got = f"start {brief(start)}, pad {brief(pad)}, end {brief(ends)}"
        raise InputError(
            checkpoint, got=got, expected="ids of these tokens", fix="mend its config.json"
        )
    return {
        "start_id": start,
        "end_ids": tuple(ends) if isinstance(ends, list) else (ends,),
        "pad_id": pad,
    }


def _json(path: Path) -> dict[str, object]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        fix = "copy the folder again"
        raise InputError(path, got=error, expected="a file of a student", fix=fix) from None
    return values if isinstance(values, dict) else {}
