"""A soft teacher's distributions on disk: one SQLite file a training set and teacher, bounded, compressed, resumable."""

import hashlib
import sqlite3
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dsbs.core.errors import InputError
from dsbs.core.progress import Progress
from dsbs.student.encoding import EncodedTarget
from dsbs.student.padding import MicroBatch
from dsbs.training.batching import Collator
from dsbs.training.objective import SoftTokens
from dsbs.training.soft_teacher import WhiteBoxTeacher, unpacked

_ROWS = 32
"""Sequences a forward pass and a commit: what an interruption loses."""


class CachedTeacher:
    """Says what its teacher said, from disk. `fill` must have gone through all sequences."""

    def __init__(
        self, folder: Path, teacher: WhiteBoxTeacher, sequences: Sequence[EncodedTarget]
    ) -> None:
        self._teacher, self._sequences = teacher, sequences
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{teacher.identity}-{_content(sequences)}.sqlite"
        self._db = sqlite3.connect(self.path, timeout=600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS tokens (number INTEGER PRIMARY KEY, ids BLOB, log_probs BLOB)"
        )

    def __call__(self, batch: MicroBatch) -> SoftTokens:
        found = [self._read(number) for number in batch.number.tolist()]
        ids = [torch.from_numpy(ids) for ids, _ in found if ids is not None]
        log_probs = torch.cat([torch.from_numpy(log_probs) for _, log_probs in found]).to(
            batch.labels.device
        )
        return unpacked(torch.cat(ids).to(batch.labels.device) if ids else None, log_probs)

    def fill(
        self, collator: Collator, *, limit_gb: float, vocabulary: int, rank: int = 0, ranks: int = 1
    ) -> None:
        """Have the teacher say what is missing of this rank's share. InputError where all of it might exceed the limit."""
        self._check_size(limit_gb, vocabulary)
        known = {number for (number,) in self._db.execute("SELECT number FROM tokens")}
        missing = [s for s in self._sequences[rank::ranks] if s.number not in known]
        missing.sort(key=lambda s: len(s.input_ids))
        device = torch.device("cpu") if not missing else self._teacher.device
        with Progress("soft targets", len(missing), shown=rank == 0) as progress:
            for at in range(0, len(missing), _ROWS):
                part = missing[at : at + _ROWS]
                self._keep(
                    part,
                    *self._teacher.packed(
                        collator.tensors([[sequence] for sequence in part]).to(device)
                    ),
                )
                progress.add(len(part))

    def _keep(
        self, part: Sequence[EncodedTarget], ids: torch.Tensor | None, log_probs: torch.Tensor
    ) -> None:
        lengths = [len(s.target_ids) for s in part]
        kept = [_blob(rows) for rows in log_probs.cpu().split(lengths)]
        named = (
            [_blob(rows) for rows in ids.cpu().split(lengths)]
            if ids is not None
            else [None] * len(part)
        )
        rows = [(s.number, i, p) for s, i, p in zip(part, named, kept, strict=True)]
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", rows)

    def _read(self, number: int) -> tuple[np.ndarray | None, np.ndarray]:
        ids, log_probs = self._db.execute(
            "SELECT ids, log_probs FROM tokens WHERE number = ?", (number,)
        ).fetchone()
        tokens = len(self._sequences[number].target_ids)
        named = None if ids is None else _array(ids, np.int32, tokens)
        return named, _array(log_probs, np.float16, tokens)

    def _check_size(self, limit_gb: float, vocabulary: int) -> None:
        top_k = self._teacher.top_k
        each = 2 * vocabulary if top_k is None else 6 * top_k + 2
        needed = each * sum(len(s.target_ids) for s in self._sequences) / 1e9
        if needed > limit_gb:
            got = f"up to {needed:.3g} GB before compression"
            fix = "keep fewer tokens with --soft-top-k, allow more, or leave out --soft-cache"
            raise InputError("--soft-cache-gb", got=got, expected=f"at most {limit_gb:g}", fix=fix)


def _content(sequences: Sequence[EncodedTarget]) -> str:
    digest = hashlib.sha256()
    for s in sequences:
        digest.update(
            np.array([len(s.input_ids), *s.input_ids, *s.target_ids], dtype=np.int64).tobytes()
        )
    return digest.hexdigest()[:16]


def _blob(rows: torch.Tensor) -> bytes:
    return zlib.compress(rows.contiguous().numpy().tobytes(), level=1)


def _array(blob: bytes, dtype: type, rows: int) -> np.ndarray:
    return np.frombuffer(bytearray(zlib.decompress(blob)), dtype=dtype).reshape(rows, -1)
