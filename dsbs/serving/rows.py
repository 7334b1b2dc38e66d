"""What callers send as examples of the task, within the limits of a call."""

from collections.abc import Mapping, Sequence
from typing import Any

from dsbs.core.errors import InputError
from dsbs.core.hashing import short_hash
from dsbs.core.records import Example
from dsbs.data.unlabeled import UnlabeledRow
from dsbs.runtimes.loaded import LoadedStudent
from dsbs.serving.chat import BadCall
from dsbs.serving.settings import Limits


class RowReader:
    """Reads rows and messages of callers."""

    def __init__(self, student: LoadedStudent, limits: Limits) -> None:
        self._student = student
        self._limits = limits
        self._fields = student.card.task.columns.fields

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> list[UnlabeledRow]:
        """Rows with the columns of the task's input.

        Raises:
            BadCall: There are too many, one lacks a column, or one is too long.
        """
        if len(rows) > self._limits.rows:
            most = self._limits.rows
            raise BadCall(f"rows: got {len(rows):,}; at most {most:,}", status=413)
        try:
            found = self._student.unlabeled([self._with_columns(row) for row in rows])
        except InputError as error:
            raise BadCall(str(error)) from None
        for row in found:
            self._check_length(row.example)
        return found

    def message(self, text: str, fields: Mapping[str, Any] | None) -> Example:
        """The text of a message as an example: the input itself, or its columns as JSON.

        Raises:
            BadCall: It lacks a column, or is too long.
        """
        if fields is not None:
            return self.rows([fields])[0].example
        if self._student.card.task.label.kind == "choice":
            names = ", ".join([*self._fields.values(), "choices"])
            raise BadCall(f"messages: the options are missing; send a JSON object with {names}")
        only = next(iter(self._fields)) if len(self._fields) == 1 else ""
        if only and self._fields[only].isidentifier():
            return self.rows([{self._fields[only]: text}])[0].example
        example = Example(f"test-{short_hash(text)}-0", "test", {}, text)
        self._check_length(example)
        return example

    def _with_columns(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row under the names of the task's fields, where it lacks the columns."""
        renamed = {
            column: row[name]
            for name, column in self._fields.items()
            if column.isidentifier() and column not in row and name in row
        }
        return {**row, **renamed} if renamed else row

    def _check_length(self, example: Example) -> None:
        most = self._limits.tokens
        if len(example.input.encode()) < most:  # a token has a byte at least
            return
        count = self._student.count_tokens(example.input)
        if count > most:
            raise BadCall(
                f"a row has {count:,} tokens; the maximum context length is {most:,} tokens",
                status=413,
            )
