"""A table of the cells of a comparison that lives on the terminal while they are trained; in a log, a line a cell."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dsbs.core.progress import say, watched_by
from dsbs.core.tables import percent

_MOST_ROWS = 30
"""Of a longer grid the rows around the one at work."""


class Board:
    """`with Board(names) as board: board.start(name); ...; board.finish(name, result)`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._shown: dict[str, tuple[str, str]] = dict.fromkeys(names, ("", ""))
        self._at, self._progress = 0, ""
        self._live: Live | None = None
        self._open = ExitStack()

    def __enter__(self) -> "Board":
        if sys.stderr.isatty():
            # Refreshed by hand: a thread of its own would draw into the middle of what others write.
            self._live = Live(self.table(), console=Console(stderr=True), auto_refresh=False)
            self._open.enter_context(self._live)
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
        """This cell is at work now."""
        self._at, self._progress = self._names.index(name), ""
        self._shown[name] = ("running", "")
        if self._live is None:
            say(f"cell {self._at + 1}/{len(self._names)}: {name}")
        self._refresh()

    def finish(self, name: str, result: Mapping[str, Any]) -> None:
        """This cell is done or has failed."""
        accuracy = (
            result.get("accuracy")
            if result.get("accuracy") is not None
            else result.get("teacher_agreement")
        )
        told = percent(accuracy) if result["status"] == "done" else str(result["error"])
        self._shown[name] = (result["status"], ", ".join([told, *result["flags"]]))
        self._progress = ""
        self._refresh()

    def table(self) -> Table:
        """The rows around the cell at work, with its progress."""
        first = max(0, min(self._at - _MOST_ROWS // 2, len(self._names) - _MOST_ROWS))
        done = sum(status == "done" for status, _ in self._shown.values())
        shown = Table(
            title=f"{done} of {len(self._names)} cells done",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
        )
        for column in ("cell", "status", "accuracy"):
            shown.add_column(column, no_wrap=True, overflow="ellipsis")
        for name in self._names[first : first + _MOST_ROWS]:
            status, told = self._shown[name]
            # Names and errors are texts, never markup.
            shown.add_row(
                Text(name), Text(status), Text(self._progress if status == "running" else told)
            )
        return shown

    def _progressed(self, line: str) -> None:
        self._progress = line
        self._refresh()

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self.table(), refresh=True)
