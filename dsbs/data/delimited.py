"""Rows of CSV and TSV files.

The delimiter is found out, and what cannot be read for certain is refused.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from dsbs.core.errors import InputError
from dsbs.core.progress import say
from dsbs.data.text_files import numbered_lines, open_bytes, suffix_of

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 64
"""Lines from which the delimiter is found out."""
_RULE = re.compile(r":?-{3,}:?")
_LONGEST_CELL = 1 << 28
"""Characters of a cell at most: a quote that nobody closes shall not fill the memory."""

Cells = list[str]


class _Form(NamedTuple):
    """How the cells of a file are separated."""

    delimiter: str
    quoted: bool
    """Whether quotes around a cell are not part of it."""
    spaced: bool
    """Whether a space follows each delimiter and is not part of the next cell."""
    skipped: int
    """Lines before the header: 1 where the first one is Excel's "sep=;"."""


def read_delimited(path: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The rows of a CSV or TSV file. Rows whose cells are all empty are skipped and counted.

    Raises:
        InputError: for names that come twice, another number of cells than the header has, broken
            quotes, and a file whose delimiter is not clear.
    """
    csv.field_size_limit(_LONGEST_CELL)
    form = _form(path)
    empty: list[int] = []
    count = 0
    with open_bytes(path) as stream:
        lines = islice((line for _, line in numbered_lines(stream, str(path))), form.skipped, None)
        records = _records(lines, form, path)
        _, header = next(records, (0, []))
        names = _names(header, path)
        several_unnamed = names.count("") > 1
        for number, cells in records:
            number += form.skipped
            if len(cells) != len(names):
                raise _another_width(path, number, len(cells), len(names), form)
            if not any(cell.strip() for cell in cells):
                count += 1
                empty = empty or [number]
                continue
            _check_is_row(names, cells, form, f"{path}:{number}")
            if several_unnamed:
                _check_unnamed(names, cells, f"{path}:{number}")
            yield f"{path}:{number}", dict(zip(names, cells, strict=True))
    if count:
        say(
            f"{path}: rows of empty cells that are left out: {count:,}, "
            f"the first in line {empty[0]}"
        )


def _names(header: Cells, path: Path) -> Cells:
    """The names of the columns, without spaces around them.

    Only a column without a name may come twice.
    """
    names = [name.strip() for name in header]
    name, times = Counter(filter(None, names)).most_common(1)[0] if any(names) else ("", 0)
    if times > 1:
        raise InputError(
            f"{path}:1",
            got=f"the column {name!r} {times} times",
            expected="names that differ",
            fix="rename the columns",
        )
    return names


def _check_is_row(names: Cells, cells: Cells, form: _Form, where: str) -> None:
    """Files that were joined repeat their header; tables for people rule it off with dashes."""
    stated = [cell.strip() for cell in cells]
    again = len(names) > 1 and stated == names
    rule = form.delimiter == "|" and all(_RULE.fullmatch(cell) for cell in filter(None, stated))
    if again or rule:
        raise InputError(
            where,
            got="the header a second time" if again else "a line of dashes",
            expected="a row",
            fix="remove the line",
        )


def _check_unnamed(names: Cells, cells: Cells, where: str) -> None:
    unnamed = [cell for name, cell in zip(names, cells, strict=True) if not name and cell.strip()]
    if len(unnamed) > 1:
        raise InputError(
            where,
            got=f"cells in {len(unnamed)} columns without a name",
            expected="a name for each column that holds anything, but for one",
            fix="name the columns in the header",
        )


def _records(lines: Iterable[str], form: _Form, path: Path) -> Iterator[tuple[int, Cells]]:
    """The cells of every record, with the number of its last line.

    Lines without any cell are no records.
    """
    if form.delimiter == "\t" and not form.quoted:
        for number, line in enumerate(lines, 1):
            if line.strip("\r\n"):
                yield number, line.rstrip("\r\n").split("\t")
        return
    reader = csv.reader(lines, delimiter=form.delimiter, strict=True, skipinitialspace=form.spaced)
    try:
        for cells in reader:
            if form.delimiter == "\t" and any("\t" in cell and "\n" in cell for cell in cells):
                raise csv.Error("a quoted cell that holds both a tab and a new line")
            if cells:
                yield reader.line_num, cells
    except csv.Error as error:
        fix = "close each quote, and double those inside a quoted cell"
        if "new-line" in str(error):
            fix = "save the file with \\n or \\r\\n at the end of each line"
        raise InputError(
            f"{path}:{reader.line_num + form.skipped}", got=error, expected="CSV", fix=fix
        ) from None


def _another_width(path: Path, number: int, got: int, wanted: int, form: _Form) -> InputError:
    return InputError(
        f"{path}:{number}",
        got=f"another number of cells: {got}",
        expected=f"{wanted} cells as in the header, between {_DELIMITERS[form.delimiter]}",
        fix="quote cells that hold a delimiter or a new line",
    )


def _form(path: Path) -> _Form:
    """What the first lines of a file, and of a file between tabs all lines, say of its form."""
    with open_bytes(path) as stream:
        head = [line for _, line in islice(numbered_lines(stream, str(path)), _LOOKED_AT)]
    skipped = 0
    if head and (first := head[0].strip('\r\n"\ufeff'))[:4].lower() == "sep=" and len(first) == 5:
        delimiter = first[4]
        skipped = 1
        if delimiter not in _DELIMITERS:
            raise _unclear(path, [delimiter])
    else:
        delimiter = _delimiter(head, path)
    header = next(iter(_some_records(head[skipped:], delimiter)), [])
    spaced = len(header) > 1 and all(name.startswith(" ") for name in header[1:])
    quoted = delimiter != "\t" or _tabs_are_quoted(path, skipped)
    return _Form(delimiter, quoted, spaced, skipped)


def _delimiter(head: list[str], path: Path) -> str:
    """The delimiter that stands in the header.

    Of several, it is the one by which the first rows are as wide as the header.
    """
    usual = "\t" if suffix_of(path) == ".tsv" else ","
    widths = {one: [len(cells) for cells in _some_records(head, one)] for one in _DELIMITERS}
    found = [one for one in _DELIMITERS if widths[one] and widths[one][0] > 1]
    if len(found) < 2 or (usual == "\t" and usual in found):
        return usual if usual in found or not found else found[0]
    fitting = [one for one in found if len(set(widths[one])) == 1]
    if len(fitting) == 1:
        return fitting[0]
    raise _unclear(path, fitting or found)


def _unclear(path: Path, found: list[str]) -> InputError:
    return InputError(
        f"{path}:1",
        got=f"a header with {' and '.join(_DELIMITERS.get(one, repr(one)) for one in found)}",
        expected="one kind of delimiter: , ; | or tab",
        fix="quote the names in the header that hold another one",
    )


def _some_records(head: list[str], delimiter: str) -> list[Cells]:
    """The records of the first lines, as far as they can be read."""
    if delimiter == "\t":
        return [line.rstrip("\r\n").split("\t") for line in head if line.strip("\r\n")]
    found: list[Cells] = []
    try:
        for cells in csv.reader(head, delimiter=delimiter, strict=True):
            found += [cells] if cells else []
    except csv.Error:
        return found
    return found


def _tabs_are_quoted(path: Path, skipped: int) -> bool:
    """Whether quotes in a file between tabs belong to its form, or are letters of its text.

    They are letters where every line has as many cells as the header, unless each cell with a quote
    is quoted by the rules and needs it (it holds a comma or a doubled quote), or the header is
    quoted too: then a program wrote them.
    """
    width = 0
    header_quoted = False
    seen = False
    by_rule = True
    with open_bytes(path) as stream:
        lines = (line for _, line in numbered_lines(stream, str(path)))
        for line in islice(lines, skipped, None):
            cells = line.rstrip("\r\n").split("\t")
            if cells == [""]:
                continue
            if not width:
                width = len(cells)
                header_quoted = all(len(c) > 1 and c[0] == c[-1] == '"' for c in cells)
            if len(cells) != width:
                return True
            if '"' in line:
                seen = True
                by_rule = by_rule and all(_is_quoted(c, header_quoted) for c in cells if '"' in c)
    return seen and by_rule


def _is_quoted(cell: str, needless: bool) -> bool:
    """Whether a program quoted this cell.

    `needless` means that it quotes cells that do not need it as well.
    """
    inner = cell[1:-1]
    if len(cell) < 2 or cell[0] != '"' or cell[-1] != '"' or '"' in inner.replace('""', ""):
        return False
    return needless or not inner or '""' in inner or "," in inner
