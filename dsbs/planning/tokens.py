"""Counting tokens without a model library: by a tokenizer where there is one, else by characters."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dsbs.errors import InputError

_CHARACTERS_PER_TOKEN = 4  # OpenAI's rule of thumb for English text; other languages and code need more tokens


class Counter(NamedTuple):
    """`count` gives tokens of each text, special tokens and chat template left out; `says` is what the count rests on."""

    count: Callable[[Sequence[str]], list[int]]
    says: str


def counter(whose: str, model: str, tokenizer: str | None) -> Counter:
    """The tokenizer that is named, else the model's own if it is on this machine, else an estimate. Nothing is downloaded
    unless it is named.

    `tokenizer`: a folder, a tokenizer.json, or a hub name. InputError where it does not load.
    """
    if tokenizer is not None:
        return _by(_load(tokenizer), f"{whose} tokens counted by the tokenizer {tokenizer}")
    if (path := _local(model)) is not None:
        return _by(_load(str(path)), f"{whose} tokens counted by the tokenizer of {model}")
    flag = "--tokenizer" if whose == "teacher" else "--student-tokenizer"
    says = f"{whose} tokens ESTIMATED as {_CHARACTERS_PER_TOKEN} characters each, a rule for English: {flag} would count them"
    return Counter(lambda texts: [max(1, round(len(text) / _CHARACTERS_PER_TOKEN)) for text in texts], says)


def _by(tokenizer: Any, says: str) -> Counter:
    def count(texts: Sequence[str]) -> list[int]:
        return [len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts), add_special_tokens=False)]

    return Counter(count, says)


def _local(model: str) -> Path | None:
    """The tokenizer.json of a model's folder, or of the hub's cache."""
    if (Path(model) / "tokenizer.json").is_file():
        return Path(model) / "tokenizer.json"
    if model.count("/") != 1 or Path(model).exists():
        return None
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(model, "tokenizer.json")
    return Path(cached) if isinstance(cached, str) else None


def _load(name: str) -> Any:
    from tokenizers import Tokenizer

    path = Path(name) / "tokenizer.json" if Path(name).is_dir() else Path(name)
    try:
        return Tokenizer.from_file(str(path)) if path.exists() else Tokenizer.from_pretrained(name)
    except Exception as error:  # the library raises plain Exception for a broken file
        expected = "a folder with tokenizer.json, such a file, or a hub name that has one"
        raise InputError(name, got=str(error).splitlines()[0], expected=expected, fix="check path and network") from None
