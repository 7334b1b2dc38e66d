"""Texts of rows that look like the prompt's own: its markers, stop strings and special tokens.

Such a text is data, and is sent as it is. It may mislead a teacher, who reads it as a part of the
prompt, so rows that hold one are counted.
"""

import re

from dsbs.core.records import Example
from dsbs.tasks.markers import find_statements
from dsbs.tasks.task import Task

_SPECIAL_TOKENS = (
    r"<\|[^|<>\n]{1,40}\|>|</?s>|<pad>|<unk>|<extra_id_\d+>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>|</?think>"
)
"""Of chat templates and tokenizers."""
_CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class LookAlikes:
    """Finds such texts in the rows of a task."""

    def __init__(self, task: Task) -> None:
        self._markers = task.answer.marker
        begins = _CODE.split(task.prompt.question, maxsplit=1)[0]
        own = {text.strip() for text in (*task.answer.ends, *task.prompt.stop, begins)}
        # A blank line stops an answer, but many rows have one.
        words = [_as_word(text) for text in sorted(own) if any(map(str.isalnum, text))]
        self._pattern = re.compile("|".join([_SPECIAL_TOKENS, *words]))

    def stand_in(self, example: Example) -> bool:
        """Whether anything that the row brings into its prompt looks like the prompt's own."""
        # One text, so that an option "answer" is no heading of an answer.
        text = " / ".join([*map(str, example.fields.values()), *example.choices, ""])
        return bool(self._pattern.search(text) or find_statements(self._markers, text))


def _as_word(text: str) -> str:
    return (r"(?<!\w)" if text[0].isalnum() else "") + re.escape(text)
