"""Which student this is: hashes of everything that decides its answers."""

import hashlib
import json
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from dsbs.artifacts.results.contract import Identity
from dsbs.artifacts.student_card import CARD, StudentCard, read_card
from dsbs.core.checksums import CHECKSUMS
from dsbs.core.hashing import hash_file

_LIBRARIES = {
    "torch": ("torch", "transformers"),
    "ctranslate2": ("ctranslate2", "tokenizers"),
    "onnxruntime": ("onnxruntime", "tokenizers"),
}
"""The packages that compute, by the name of a run-time in a student's card."""
_TOKENIZER = ("token", "vocab", "merges", "spiece", "sentencepiece", "chat_template")
"""Parts of the names of a tokenizer's files."""


def identity_of(folder: Path) -> Identity:
    """The identity of the student in a checkpoint or an export, without loading it.

    Args:
        folder: A folder with a card (`dsbs.json`): the `best/` of a run, a copy of it, or an
            export. The card names precision and run-time. Every file below it counts, but for
            checksums, a contract, notes of measurements and hidden files.

    Raises:
        InputError: There is no card, or it cannot be read.
    """
    card = read_card(folder)
    files = sorted(path for path in folder.rglob("*") if _counts(path, folder))
    tokenizer = [path for path in files if any(part in path.name for part in _TOKENIZER)]
    weights = [path for path in files if path not in set(tokenizer)]
    task = card.task.model_dump(mode="json")
    labels = task.pop("label")
    return Identity(
        weights=_hash_files(weights, folder),
        tokenizer=_hash_files(tokenizer, folder),
        labels=_hash_value(labels),
        task=_hash_value(task),
        prompt=_hash_value(_prompt(card)),
        precision=card.precision,
        runtime=_runtime(card.runtime),
        card=hash_file(folder / CARD),
    )


def _counts(path: Path, folder: Path) -> bool:
    """Whether a file decides answers."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    others = (CARD, CHECKSUMS, "contract.json", "manifest.json", "run.log", "README.md")
    return path.is_file() and not hidden and path.name not in others


def _prompt(card: StudentCard) -> object:
    return [
        card.method,
        list(card.prefixes.items()),
        card.task_prefix,
        card.decode,
        card.max_input_tokens,
        card.max_target_tokens,
        card.max_label_tokens,
    ]


def _runtime(name: str) -> str:
    """A run-time with the versions of its libraries, which need not be imported."""
    found = (f"{library} {_version(library)}" for library in _LIBRARIES.get(name, ()))
    return ", ".join(found) or name


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "is not installed"


def _hash_files(files: Iterable[Path], folder: Path) -> str:
    return _hash_value([[str(path.relative_to(folder)), hash_file(path)] for path in files])


def _hash_value(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
