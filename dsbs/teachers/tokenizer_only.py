"""A teacher that is only asked what a prompt would cost: its tokenizer and its identity, without its weights."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Self

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.teachers.model_identity import model_identity
from dsbs.teachers.protocol import Prompt


class PlannedTeacher:
    """Counts tokens by the model's tokenizer. It answers nothing."""

    def __init__(self, model: str, *, revision: str | None = None, api: str = "auto") -> None:
        from transformers import AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(model, revision=revision)
        except (OSError, ValueError) as error:
            got = str(error).splitlines()[0]
            raise InputError(
                f"--model {model}", got=got, expected="a model", fix="check name and network"
            ) from None
        template = self._tokenizer.chat_template
        self.name, self.chat = model, api == "chat" or (api == "auto" and template is not None)
        self.identity: Mapping[str, Any] = model_identity(
            model, revision, chat_template=template if self.chat else None
        )

    def complete(self, prompts: Iterable[Prompt | None]) -> Generator[Completion, None, None]:
        """Nothing is asked while planning."""
        yield from ()

    def count_tokens(self, texts: list[str]) -> list[int]:
        return [len(ids) for ids in self._tokenizer(texts).input_ids]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *unused: object) -> None:
        return None
