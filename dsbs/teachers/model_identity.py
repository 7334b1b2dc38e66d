"""What makes a model's answers its own: its name and revision, or the content of its folder."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsbs.core.files import write_text

_KEPT = 10_000
"""Hashes of files in the cache."""

_LEFT_OUT = {".git", ".cache"}


def model_identity(
    model: str,
    revision: str | None = None,
    *,
    chat_template: str | None = None,
    start_token: str | None = None,
) -> dict[str, Any]:
    """The part of an answer's key that says which model gave it.

    A local folder is known by its content, so a model that was trained again in the same folder has
    new answers. A hub name is known by itself and its revision. The chat template counts where
    messages are rendered here, and a start token where the model's own tokenizer leaves it out.
    """
    identity: dict[str, Any] = {"model": model, "revision": revision}
    if Path(model).is_dir():
        identity = {"content": folder_hash(Path(model))}
    if chat_template is not None:
        identity["chat_template"] = hashlib.sha256(chat_template.encode()).hexdigest()[:16]
    if start_token is not None:
        identity["start_token"] = start_token
    return identity


def folder_hash(folder: Path) -> str:
    """The SHA-256 of names and contents of all files below the folder.

    Hashing 140 GB takes minutes, so hashes of files are kept in the user's cache under path, size
    and time of change.
    """
    cache_home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    cache_path = cache_home / "dsbs" / "hashes.json"
    cache = _read(cache_path)
    known = len(cache)
    digest = hashlib.sha256()
    for path in _files(folder):
        stat = path.stat()
        version = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"
        if version not in cache:
            with path.open("rb") as file:
                cache[version] = hashlib.file_digest(file, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder)}\0{cache[version]}\n".encode())
    if len(cache) > known:
        _write(cache_path, cache)
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not _LEFT_OUT & set(path.relative_to(folder).parts))


def _read(path: Path) -> dict[str, str]:
    try:
        found: Mapping[str, str] = json.loads(path.read_text())
        return dict(found)
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _write(path: Path, cache: Mapping[str, str]) -> None:
    """Write the cache where that is possible; without it the next start hashes again."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(dict(list(cache.items())[-_KEPT:])))
