"""A graph in ONNX Runtime, and rows of token ids as it reads them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dsbs.core.errors import InputError

Ids = NDArray[np.int64]


def padded(rows: Sequence[Sequence[int]], pad: int) -> Ids:
    """Rows of token ids, (B, X)."""
    ids = np.full((len(rows), max(map(len, rows))), pad, dtype=np.int64)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = row
    return ids


def mask_of(rows: Sequence[Sequence[int]]) -> Ids:
    """(B, X): 1 for tokens, 0 for padding."""
    lengths = np.asarray([len(row) for row in rows])
    return (np.arange(lengths.max()) < lengths[:, None]).astype(np.int64)


def open_session(path: Path, threads: int) -> Any:
    """A graph that is ready to run. InputError where it cannot be read."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library raises many kinds of its own
        fix = "export the student again"
        raise InputError(path, got=error, expected="an export that loads", fix=fix) from None
