"""Token ids kept on disk by content, so that a second start does not tokenize."""

import hashlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerBase

from dsbs.core.files import replacing
from dsbs.core.progress import say
from dsbs.student.decoder_only.texts import continued
from dsbs.student.tokenizer import tokenizer_hash

MIN_TEXTS = 5_000
"""Fewer texts take less than a second and are not kept."""


def token_ids(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], *, targets: bool = False
) -> list[list[int]]:
    """The ids of every text, as inputs or as targets, the end token included.

    Those of many texts are kept below `cache_folder()` under a hash of the tokenizer and all texts.
    The folder may be deleted at any time.
    """
    return _kept(tokenizer, texts, str(targets))


def continued_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """The ids of every text with a space before it, without special tokens; kept as well."""
    return _kept(tokenizer, texts, "continued")


def _kept(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], form: str) -> list[list[int]]:
    if len(texts) < MIN_TEXTS:
        return _tokenize(tokenizer, texts, form)
    path = cache_folder() / f"{_key(tokenizer, texts, form)}.npz"
    try:
        with np.load(path) as kept:
            return [ids.tolist() for ids in np.split(kept["ids"], kept["ends"][:-1])]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        ids = _tokenize(tokenizer, texts, form)
        _keep(path, ids)
        return ids


def cache_folder() -> Path:
    """$DSBS_CACHE/tokens, or `dsbs/tokens` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("DSBS_CACHE") or f"{base}/dsbs").expanduser() / "tokens"


def _tokenize(
    tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], form: str
) -> list[list[int]]:
    if not texts:
        return []
    if form == "continued":
        encoding = tokenizer([continued(text) for text in texts], add_special_tokens=False)
    else:
        encoding = tokenizer(text_target=list(texts)) if form == "True" else tokenizer(list(texts))
    ids: list[list[int]] = encoding.input_ids
    return ids


def _key(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], form: str) -> str:
    digest = hashlib.sha256(f"{tokenizer_hash(tokenizer)} {form}".encode())
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
    return digest.hexdigest()[:32]


def _keep(path: Path, rows: Sequence[Sequence[int]]) -> None:
    """Write the file as a whole. Where that fails, training goes on without it."""
    ids = np.fromiter((token for row in rows for token in row), dtype=np.int32)
    ends = np.cumsum([len(row) for row in rows])
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez(file, ids=ids, ends=ends)
    except OSError as error:
        say(f"token ids are not kept: {error}")
