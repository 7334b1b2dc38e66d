"""A table: shown on the page, written as CSV with its numbers in full, and as LaTeX."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dsbs.core.tables import Share, shown

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet's formula may start with."""

_LATEX = str.maketrans(
    {c: rf"\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


@dataclass(frozen=True)
class Table:
    """A title, named columns, and rows of cells."""

    name: str
    """Its file name, without a suffix."""
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    """Texts, numbers, shares, and intervals of shares as pairs; None where there is nothing."""
    note: str = ""
    """A sentence below the table."""

    @property
    def shown(self) -> list[list[str]]:
        """The cells as texts for people."""
        return [[shown(value) for value in row] for row in self.rows]

    @property
    def numeric(self) -> list[bool]:
        """For each column, whether it holds numbers only and is aligned to the right."""
        return [
            all(not isinstance(row[at], str) for row in self.rows)
            for at in range(len(self.columns))
        ]

    def latex(self) -> str:
        """The table for a paper; needs LaTeX's package booktabs."""
        columns = "".join("r" if numeric else "l" for numeric in self.numeric)
        lines = [r"% \usepackage{booktabs}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
        lines += [_line(self.columns), r"\midrule", *map(_line, self.shown)]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])

    def flat(self) -> list[list[Any]]:
        """Header and rows for CSV, with all digits; an interval takes two columns.

        A text that starts like a spreadsheet's formula gets an apostrophe before it.
        """
        pairs = [
            any(isinstance(row[at], list | tuple) for row in self.rows)
            for at in range(len(self.columns))
        ]
        header = [
            part
            for c, pair in zip(self.columns, pairs, strict=True)
            for part in ([f"{c} low", f"{c} high"] if pair else [c])
        ]
        rows: list[list[Any]] = [
            [
                part
                for value, pair in zip(row, pairs, strict=True)
                for part in ((value or (None, None)) if pair else [value])
            ]
            for row in self.rows
        ]
        return [[_cell(value) for value in row] for row in [header, *rows]]


def _cell(value: Any) -> Any:
    """A cell of a CSV file. Spreadsheets take a text that starts like a formula for one."""
    if isinstance(value, Share):
        return float(value)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def share(value: float | None) -> Share | None:
    """A number from 0 to 1 as a share; None stays None."""
    return None if value is None else Share(value)


def save_tables(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Each table as CSV and LaTeX in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        paths += [folder / f"{table.name}.csv", folder / f"{table.name}.tex"]
        with paths[-2].open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(table.flat())
        paths[-1].write_text(table.latex(), encoding="utf-8")
    return paths


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"
