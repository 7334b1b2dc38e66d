"""An encoder with its head as one ONNX graph."""

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer

from dsbs.artifacts.student_card import StudentCard
from dsbs.config.export import Quantize
from dsbs.core.require import require
from dsbs.exporting.source_model import copy_tokenizer, load_source
from dsbs.exporting.to_onnx import quantize_graph, write_graph
from dsbs.runtimes.onnx_classifier import MODEL
from dsbs.student.encoder.family import ENCODER

_ROWS = {0: "rows", 1: "input_tokens"}


class _Scores(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        return logits


def convert(checkpoint: Path, card: StudentCard, out: Path, quantize: Quantize) -> None:
    """See `Convert`."""
    require("onnx", "export", needed_by="--to onnx")
    model = load_source(checkpoint, card.family)
    ids = torch.randint(3, model.config.vocab_size, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    names = {"input_ids": _ROWS, "attention_mask": _ROWS, "logits": {0: "rows"}}
    with torch.no_grad():
        write_graph(_Scores(model), (ids, mask), out / MODEL, names)
    if quantize == "int8":
        quantize_graph(out / MODEL)
    copy_tokenizer(checkpoint, out)


def tokens_of(checkpoint: Path) -> dict[str, Any]:
    """What an export needs to know of an encoder's tokens and classes: fields of `ExportFacts`."""
    config = AutoConfig.from_pretrained(checkpoint)
    codec = ENCODER.codec(AutoTokenizer.from_pretrained(checkpoint), config)
    return {
        "start_id": -1,
        "end_ids": (codec.end,),
        "pad_id": codec.tokenizer.pad_token_id,
        "separator": codec.separator,
        "classes": None if codec.per_option else dict(config.label2id),
        "positions": None if codec.most == sys.maxsize else codec.most,
    }
