"""A teacher for dry runs: the tokenizer and the identity of a model, without its weights."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Self

from dsbs.core.records import Completion
from dsbs.core.start_token import give_start_token
from dsbs.teachers.chat_template import load_tokenizer, wants_chat
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import EngineOptions, Idle, Prompt, Sampling, Wait


class TokenizerTeacher:
    """Counts tokens. It answers nothing."""

    def __init__(self, options: EngineOptions, sampling: Sampling) -> None:
        self._tokenizer = load_tokenizer(options)
        start_token = give_start_token(self._tokenizer, options.model)
        self.name = options.model
        self.chat = wants_chat(options.api, self._tokenizer)
        self.sampling = sampling.for_chat() if self.chat else sampling
        self.identity: Mapping[str, Any] = model_identity(
            options.model,
            options.revision,
            chat_template=self._tokenizer.chat_template if self.chat else None,
            start_token=start_token,
        )

    def complete(
        self, prompts: Iterable[Prompt | Wait]
    ) -> Generator[Completion | Idle, None, None]:
        """Nothing: a dry run sends no prompts."""
        yield from ()

    def count_tokens(self, texts: list[str]) -> list[int]:
        """Tokens of each text, without the special ones at its ends."""
        return [len(ids) for ids in self._tokenizer(texts, add_special_tokens=False).input_ids]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        return None
