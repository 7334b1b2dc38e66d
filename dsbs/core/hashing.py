"""Hashes of texts and of files."""

import hashlib
from pathlib import Path
from typing import Any


def short_hash(text: str) -> str:
    """16 hex digits, which are 8 bytes: among ten million texts, two are alike by chance in one case of 370,000."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_facts(path: Path, relative_to: Path | None = None) -> dict[str, Any]:
    """Path, size and sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    shown = path.relative_to(relative_to) if relative_to else path.resolve()
    return {"path": str(shown), "bytes": path.stat().st_size, "sha256": digest.hexdigest()}
