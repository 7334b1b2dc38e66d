"""What every teacher is: prompts with ids in, completions out as they finish. It knows no task, no file and no store."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from dsbs.records import Completion


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request. `id` is the key of the answer store, so alike requests are one."""

    id: str
    text: str


class Teacher(Protocol):
    """A teacher yields one completion a prompt, in any order; what failed comes back with its `error`."""

    name: str

    def complete(self, prompts: Iterable[Prompt]) -> Iterator[Completion]:
        """Answer the prompts as they come. Prompts are drawn lazily: at most the requests in flight and one batch."""
        ...
