"""Counts tokens without a model library: by a tokenizer where there is one, else by characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsbs.core.errors import InputError
from dsbs.labeling.request_tokens import CountTokens, estimate_tokens


@dataclass(frozen=True)
class TokenCounter:
    """Counts tokens of texts, without special tokens and chat template."""

    count: CountTokens
    basis: str
    """What the count rests on, as a note for the answer."""


def token_counter(whose: str, model: str, tokenizer: str | None) -> TokenCounter:
    """The given tokenizer, else the model's own if it is on this machine, else an estimate.

    Only a tokenizer that is given is downloaded.

    Args:
        whose: "teacher" or "student".
        model: A folder, a hub name, or a size.
        tokenizer: A folder, a tokenizer.json, or a hub name.

    Raises:
        InputError: where the tokenizer does not load.
    """
    if tokenizer is not None:
        basis = f"{whose} tokens are counted by the tokenizer {tokenizer}"
        return TokenCounter(_counting(_load(tokenizer)), basis)
    if (path := _local(model)) is not None:
        basis = f"{whose} tokens are counted by the tokenizer of {model}"
        return TokenCounter(_counting(_load(str(path))), basis)
    flag = "--tokenizer" if whose == "teacher" else "--student-tokenizer"
    basis = f"{whose} tokens are ESTIMATED, four characters each (a rule for English)"
    return TokenCounter(estimate_tokens, f"{basis}; {flag} counts them")


def _counting(tokenizer: Any) -> CountTokens:
    def count(texts: Sequence[str]) -> list[int]:
        encodings = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [len(encoding.ids) for encoding in encodings]

    return count


def _local(model: str) -> Path | None:
    """The tokenizer.json in a model's folder or in the hub's cache."""
    in_folder = Path(model) / "tokenizer.json"
    if in_folder.is_file():
        return in_folder
    if model.count("/") != 1 or Path(model).exists():
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model, "tokenizer.json")
    return Path(cached) if isinstance(cached, str) else None


def _load(name: str) -> Any:
    from tokenizers import Tokenizer

    path = Path(name) / "tokenizer.json" if Path(name).is_dir() else Path(name)
    if name.endswith(".json") and not path.is_file():  # not a hub name: do not ask the hub
        fix = "check the path"
        raise InputError(name, got="no such file", expected="a tokenizer.json", fix=fix)
    try:
        return Tokenizer.from_file(str(path)) if path.exists() else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises plain Exception for a broken file
        got = str(error).splitlines()[0]
        expected = "a folder with tokenizer.json, such a file, or a hub name that has one"
        fix = "check path and network"
        raise InputError(name, got=got, expected=expected, fix=fix) from None
