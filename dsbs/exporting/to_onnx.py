"""An encoder-decoder as two ONNX graphs: the encoder, and the decoder with its head."""

import warnings
from pathlib import Path
from typing import Any

import torch
from transformers.modeling_outputs import BaseModelOutput

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.require import require
from dsbs.exporting.source_model import copy_tokenizer, load_source
from dsbs.runtimes.onnx_engine import DECODER, ENCODER

_OPSET = 17
"""The oldest that has all operations, for old run-times."""
_ROWS = {0: "rows", 1: "input_tokens"}


class _Encoder(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.encoder = model.get_encoder()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        found = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        states: torch.Tensor = found.last_hidden_state
        return states


class _Decoder(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, decoder_input_ids: torch.Tensor, states: torch.Tensor, attention_mask: torch.Tensor
    ) -> torch.Tensor:
        given: Any = states  # transformers names a narrower type than it takes
        logits: torch.Tensor = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=given),
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            use_cache=False,
        ).logits
        return logits


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`."""
    require("onnx", "export", needed_by="--to onnx")
    model = load_source(checkpoint, card.family)
    ids = torch.randint(3, model.config.vocab_size, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    with torch.no_grad():
        encoder = _Encoder(model)
        states = encoder(ids, mask)
        write_graph(encoder, (ids, mask), out / ENCODER, _names("input_ids", "states"))
        given = (ids[:, :5], states, mask)
        names = _names("states", "logits", decoder="decoder_input_ids")
        write_graph(_Decoder(model), given, out / DECODER, names)
    if quantize == "int8":
        for name in (ENCODER, DECODER):
            quantize_graph(out / name)
    copy_tokenizer(checkpoint, out)


_Axes = dict[str, dict[int, str]]


def _names(first: str, output: str, *, decoder: str = "") -> _Axes:
    """Inputs in order, the output last, with the names of their axes that vary."""
    written = {0: "rows", 1: "target_tokens"}
    before: _Axes = {decoder: written} if decoder else {}
    last = written if decoder else _ROWS
    return {**before, first: _ROWS, "attention_mask": _ROWS, output: last}


def write_graph(module: torch.nn.Module, given: tuple[Any, ...], path: Path, names: _Axes) -> None:
    """Trace the module. torch's newer exporter gives the same graphs in twenty times the time."""
    *inputs, output = names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            given,
            str(path),
            dynamo=False,
            opset_version=_OPSET,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=names,
        )


def quantize_graph(path: Path) -> None:
    """Weights in 8 bits; what they multiply is quantized as it comes."""
    quantization = require("onnxruntime.quantization", "export", needed_by="--quantize int8")
    partial = path.with_name(f".{path.name}.partial")
    quantization.quantize_dynamic(str(path), str(partial), weight_type=quantization.QuantType.QInt8)
    partial.replace(path)
