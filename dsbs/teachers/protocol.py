"""What every teacher is: prompts with ids in, completions out as they finish. It knows no task, no file and no store."""

from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

from dsbs.core.records import Completion

Message = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How text is drawn. Every value is sent: an engine's or a model's own defaults never apply.

    `stop` ends continued text; a chat model ends its turn itself, and a blank line in its reasoning must not. `extra` goes
    to a server as it is, for what only it knows (reasoning effort, chat template arguments).
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_new_tokens: int = 256
    stop: tuple[str, ...] = ()
    extra: str = "{}"

    def for_chat(self) -> "Sampling":
        """The same as a chat model is given it."""
        return replace(self, stop=())


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request. `id` is the key of the answer store, so alike requests are one.

    Either `text` is continued or `messages` are answered. `schema` constrains the answer to JSON of that schema. With
    `labels`, pairs of a label and the text that states it, nothing is generated: each text is scored behind `text`.
    """

    id: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    schema: Mapping[str, Any] | None = None
    labels: tuple[tuple[str, str], ...] = ()


class Teacher(Protocol):
    """A teacher yields one completion a prompt, in any order; what failed comes back with its `error`.

    `identity` is what makes its answers its own (name and revision, or the content of a local folder), and `chat` says
    whether it wants messages instead of text.
    """

    name: str
    identity: Mapping[str, Any]
    chat: bool

    def complete(
        self, prompts: Iterable[Prompt | None]
    ) -> Generator[Completion | None, None, None]:
        """Answer the prompts as they come. They are drawn lazily: at most the requests in flight and one batch.

        A prompt None means that there may be more once something in flight is answered; a completion None, that nothing has
        come for a while, and what came before can be committed.
        """
        ...

    def count_tokens(self, texts: list[str]) -> list[int] | None:
        """Tokens of each text by the teacher's tokenizer; None where it cannot be asked."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *unused: object) -> None: ...
