"""What makes a model's answers its own: its name and revision, or the content of its folder."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LEFT_OUT = {".git", ".cache"}


def model_identity(
    model: str, revision: str | None = None, *, chat_template: str | None = None
) -> dict[str, Any]:
    """A local folder is known by its content, so that a model retrained at the same path gives no old answers.

    A hub name is known by itself and its revision. The chat template counts where messages are rendered here.
    """
    identity: dict[str, Any] = {"model": model, "revision": revision}
    if Path(model).is_dir():
        identity = {"content": folder_hash(Path(model))}
    if chat_template is not None:
        identity["chat_template"] = hashlib.sha256(chat_template.encode()).hexdigest()[:16]
    return identity


def folder_hash(folder: Path) -> str:
    """The sha256 of names and contents of all files below the folder.

    Hashing 140 GB takes minutes, so hashes of files are kept in the user's cache under path, size and time of change.
    """
    cache_path = (
        Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dsbs" / "hashes.json"
    )
    cache = _read(cache_path)
    digest, changed = hashlib.sha256(), False
    for path in sorted(
        p for p in folder.rglob("*") if p.is_file() and not _LEFT_OUT & set(p.parts)
    ):
        stat = path.stat()
        known = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ino}"
        if known not in cache:
            with path.open("rb") as file:
                cache[known], changed = hashlib.file_digest(file, "sha256").hexdigest(), True
        digest.update(f"{path.relative_to(folder)}\0{cache[known]}\n".encode())
    if changed:
        _write(cache_path, cache)
    return digest.hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        found: Mapping[str, str] = json.loads(path.read_text())
        return dict(found)
    except (OSError, ValueError):
        return {}


def _write(path: Path, cache: Mapping[str, str]) -> None:
    """Best effort: without a cache the next start only hashes again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps(dict(list(cache.items())[-10_000:])))
        partial.replace(path)
    except OSError:
        return
