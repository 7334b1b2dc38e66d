"""The cells of a comparison while they are trained: a live table on a terminal, lines in a log."""

from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TextIO, cast

from rich import box
from rich.console import Console
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dsbs.artifacts.results.cells import CellResult
from dsbs.core import output
from dsbs.core.progress import say, watched_by
from dsbs.core.tables import percent

_MOST_ROWS = 30
"""A longer table shows the rows around the current cell only."""


class LiveTable:
    """`with LiveTable(names) as shown: shown.start(name); ...; shown.finish(result)`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._rows: dict[str, tuple[str, str]] = dict.fromkeys(names, ("", ""))
        """Status and outcome of each cell."""
        self._current = 0
        self._progress = ""
        self._live: Live | None = None
        self._open = ExitStack()

    def __enter__(self) -> "LiveTable":
        if output.notes().isatty() and not output.is_quiet():
            # Refreshed by hand: a thread would draw into the middle of other lines.
            console = Console(file=output.notes())
            self._live = Live(
                self.table(),
                console=console,
                auto_refresh=False,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._open.enter_context(self._live)
            above = cast(TextIO, FileProxy(console, output.notes()))
            self._open.enter_context(output.shown_on(above))
            self._open.enter_context(watched_by(self._progressed))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def start(self, name: str) -> None:
        """This cell is trained and measured now."""
        self._current = self._names.index(name)
        self._progress = ""
        self._rows[name] = ("running", "")
        if self._live is None:
            say(f"cell {self._current + 1}/{len(self._names)}: {name}")
        self._refresh()

    def finish(self, result: CellResult) -> None:
        """This cell is done or has failed."""
        outcome = percent(result.score.share) if result.score else str(result.error)
        self._rows[result.name] = (result.status, ", ".join([outcome, *result.flags]))
        self._progress = ""
        self._refresh()

    def table(self) -> Table:
        """The rows around the current cell, with its progress."""
        last_start = len(self._names) - _MOST_ROWS
        first = max(0, min(self._current - _MOST_ROWS // 2, last_start))
        done = sum(status == "done" for status, _ in self._rows.values())
        table = Table(
            title=f"{done} of {len(self._names)} cells done",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for column in ("cell", "status", "accuracy"):
            table.add_column(column, no_wrap=True, overflow="ellipsis")
        for name in self._names[first : first + _MOST_ROWS]:
            status, outcome = self._rows[name]
            last = self._progress if status == "running" else outcome
            # As Text, since rich would read markup in names and errors.
            table.add_row(Text(name), Text(status), Text(last))
        return table

    def _progressed(self, line: str) -> None:
        self._progress = line
        self._refresh()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self.table(), refresh=True)
