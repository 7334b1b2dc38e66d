"""What is noticed while rows are read: rows that were skipped, and columns that no row has."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.data.columns import columns_of, near_column
from dsbs.tasks.task import Columns

_NEAR: Mapping[str, float] = {"gold": 0.75, "id": 0.85, "group": 0.75}
"""How alike a column must be to be taken for a misspelled one. `uid` may well be no `id`."""


@dataclass
class Tally:
    """What was seen while the rows of one part were read."""

    rows: int = 0
    skipped: int = 0
    first_skipped: str = ""
    columns: set[str] = field(default_factory=set)
    """All columns that any row has."""
    layout: Columns | None = None
    """Where the parts of these rows stand."""
    ids: bool = False
    """Whether the rows have ids of their own."""

    def skip(self, error: InputError) -> None:
        """Count a row that is skipped for this reason."""
        self.skipped += 1
        self.first_skipped = self.first_skipped or f"{error.where}: {error.got}"

    def report(self, name: str) -> None:
        """Say what was skipped, and which columns of the task no row has.

        Raises:
            InputError: where such a column seems misspelled or groups the rows, or no row is left.
        """
        if self.rows == self.skipped:
            got = f"{self.rows:,} rows that all lack a field, the first: {self.first_skipped}"
            raise InputError(
                name,
                got=got if self.rows else "no rows",
                expected="at least one row",
                fix="check the file and the columns of the task",
            )
        if self.skipped:
            say(
                f"{name}: rows that lack a field and are skipped: {self.skipped:,} of "
                f"{self.rows:,}, the first {self.first_skipped}"
            )
        if self.layout:
            self._absent("gold", self.layout.gold, "its rows have no gold labels", name)
            self._absent("id", self.layout.id, "ids are made of the content", name)
            self._absent("group", self.layout.group, "", name)

    def _absent(self, role: str, spec: str | None, so: str, name: str) -> None:
        for column in sorted(columns_of(spec) - self.columns) if spec else ():
            near = near_column(column, self._unused(), _NEAR[role])
            if near or role == "group":
                raise _no_column(name, role, column, near)
            say(f"{name}: no row has the column {column!r} of `{role}`; {so}")

    def _unused(self) -> set[str]:
        """The columns that the task does not name."""
        assert self.layout is not None
        return self.columns.difference(*map(columns_of, _specs_of(self.layout)))


def _specs_of(columns: Columns) -> list[str]:
    """Every place of a part that is named."""
    choices = [columns.choices] if isinstance(columns.choices, str) else (columns.choices or ())
    others = [columns.gold, columns.id, columns.group]
    return [*columns.fields.values(), *choices, *filter(None, others)]


def _no_column(where: str, role: str, column: str, near: str | None) -> InputError:
    """A column that the task names is not there."""
    return InputError(
        where,
        got=f"no column {column!r}, named as `{role}` in the task file",
        expected=f"column {column!r}",
        fix=f"did you mean {near!r}?" if near else "name another column under `columns` there",
    )
