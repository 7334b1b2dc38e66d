"""A soft teacher's distributions on disk: bounded, compressed, and filled further after a stop.

There is one SQLite file per teacher and training set.
"""

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
"""Sequences per forward pass and commit: what an interruption loses."""


class CachedTeacher:
    """Gives a teacher's distributions from disk. `fill` must have gone through all sequences."""

    def __init__(
        self, folder: Path, teacher: WhiteBoxTeacher, sequences: Sequence[EncodedTarget]
    ) -> None:
        self._teacher = teacher
        self._sequences = sequences
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{teacher.identity}-{_content_hash(sequences)}.sqlite"
        self._db = sqlite3.connect(self.path, timeout=600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS tokens "
            "(number INTEGER PRIMARY KEY, ids BLOB, log_probs BLOB)"
        )

    def __call__(self, batch: MicroBatch) -> SoftTokens:
        rows = [self._read(number) for number in batch.number.tolist()]
        ids = [torch.from_numpy(ids) for ids, _ in rows if ids is not None]
        log_probs = torch.cat([torch.from_numpy(log_probs) for _, log_probs in rows])
        device = batch.labels.device
        return unpacked(torch.cat(ids).to(device) if ids else None, log_probs.to(device))

    def fill(
        self, collator: Collator, *, limit_gb: float, vocabulary: int, rank: int = 0, ranks: int = 1
    ) -> None:
        """Compute what is missing of this process's share.

        Raises:
            InputError: All of it together might exceed the limit.
        """
        self._check_size(limit_gb, vocabulary)
        known = {number for (number,) in self._db.execute("SELECT number FROM tokens")}
        missing = [s for s in self._sequences[rank::ranks] if s.number not in known]
        missing.sort(key=lambda s: len(s.input_ids))
        with Progress("soft targets", len(missing), shown=rank == 0) as progress:
            for at in range(0, len(missing), _ROWS):
                part = missing[at : at + _ROWS]
                batch = collator.tensors([[sequence] for sequence in part])
                self._keep(part, *self._teacher.packed(batch.to(self._teacher.device)))
                progress.add(len(part))

    def _keep(
        self, part: Sequence[EncodedTarget], ids: torch.Tensor | None, log_probs: torch.Tensor
    ) -> None:
        lengths = [len(sequence.target_ids) for sequence in part]
        log_prob_blobs = [_blob(rows) for rows in log_probs.cpu().split(lengths)]
        id_blobs: list[bytes | None] = [None] * len(part)
        if ids is not None:
            id_blobs = [_blob(rows) for rows in ids.cpu().split(lengths)]
        numbers = [sequence.number for sequence in part]
        rows = zip(numbers, id_blobs, log_prob_blobs, strict=True)
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", rows)

    def _read(self, number: int) -> tuple[np.ndarray | None, np.ndarray]:
        """Ids (Y, k) and log-probabilities (Y, k + 1) of a sequence of Y target tokens."""
        ids, log_probs = self._db.execute(
            "SELECT ids, log_probs FROM tokens WHERE number = ?", (number,)
        ).fetchone()
        tokens = len(self._sequences[number].target_ids)
        return (
            None if ids is None else _array(ids, np.int32, tokens),
            _array(log_probs, np.float16, tokens),
        )

    def _check_size(self, limit_gb: float, vocabulary: int) -> None:
        top_k = self._teacher.top_k
        # 2 bytes per probability, 4 per id.
        bytes_per_token = 2 * vocabulary if top_k is None else 6 * top_k + 2
        needed = bytes_per_token * sum(len(s.target_ids) for s in self._sequences) / 1e9
        if needed > limit_gb:
            got = f"up to {needed:.3g} GB before compression"
            fix = "keep fewer tokens with --soft-top-k, allow more, or leave out --soft-cache"
            raise InputError("--soft-cache-gb", got=got, expected=f"at most {limit_gb:g}", fix=fix)


def _content_hash(sequences: Sequence[EncodedTarget]) -> str:
    digest = hashlib.sha256()
    for s in sequences:
        ids = [len(s.input_ids), *s.input_ids, *s.prompt, *s.target_ids]
        digest.update(np.array(ids, dtype=np.int64).tobytes())
    return digest.hexdigest()[:16]


def _blob(rows: torch.Tensor) -> bytes:
    return zlib.compress(rows.contiguous().numpy().tobytes(), level=1)


def _array(blob: bytes, dtype: type, rows: int) -> np.ndarray:
    return np.frombuffer(bytearray(zlib.decompress(blob)), dtype=dtype).reshape(rows, -1)
