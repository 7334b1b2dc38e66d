"""Token ids kept on disk by content: what a tokenizer has read once it need not read again."""

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from dsbs.core.progress import say
from dsbs.student.tokenizer import tokenizer_hash

WORTH_TEXTS = 5_000
"""Fewer texts take less than a second, and leave no file."""


def token_ids(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, targets: bool = False
) -> list[list[int]]:
    """The ids of every text, the end token included, as inputs or as `targets`.

    Those of many texts are kept below `cache_folder()` under a hash of the tokenizer and of all texts; the folder may be
    deleted at any time.
    """
    if len(texts) < WORTH_TEXTS:
        return _tokenise(tokenizer, texts, targets)
    path = cache_folder() / f"{_key(tokenizer, texts, targets)}.npz"
    try:
        with np.load(path) as kept:
            return [ids.tolist() for ids in np.split(kept["ids"], kept["ends"][:-1])]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        found = _tokenise(tokenizer, texts, targets)
        _keep(path, found)
        return found


def cache_folder() -> Path:
    """DSBS_CACHE, or `dsbs` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("DSBS_CACHE") or f"{base}/dsbs").expanduser() / "tokens"


def _tokenise(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], targets: bool
) -> list[list[int]]:
    if not texts:
        return []
    found: list[list[int]] = (
        tokenizer(text_target=list(texts)) if targets else tokenizer(list(texts))
    ).input_ids
    return found


def _key(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], targets: bool) -> str:
    digest = hashlib.sha256(f"{tokenizer_hash(tokenizer)} {targets}".encode())
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()[:32]


def _keep(path: Path, found: Sequence[Sequence[int]]) -> None:
    """Written whole or not at all; a cache that cannot be written is none."""
    ids = np.fromiter((token for row in found for token in row), dtype=np.int32)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(partial, ids=ids, ends=np.cumsum([len(row) for row in found]))
        partial.replace(path)
    except OSError as error:
        say(f"token ids are not kept: {error}")
