"""Lines of text files: packed or not, in UTF-8 or, with a byte-order mark, in UTF-16 or UTF-32."""

import bz2
import codecs
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from dsbs.core.errors import InputError

PACKED = (".gz", ".zst", ".bz2", ".xz")
"""Suffixes of packed files that are read as they are."""

BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError)
"""What reading a broken packed file raises."""
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""Byte-order marks, the longer ones first: UTF-32's begins like UTF-16's."""


_NOT_TEXT = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzipped file",
}
"""How files begin whose suffix is a wrong one."""


def suffix_of(path: Path) -> str:
    """The suffix that names a file's format: ".csv" of ROWS.CSV and of rows.csv.gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def stem_of(path: Path) -> str:
    """A file's name in lower case, without the suffixes that `suffix_of` understands."""
    name = path.name.lower()
    for packing in PACKED:
        name = name.removesuffix(packing)
    return name.removesuffix(suffix_of(path))


def open_bytes(path: Path) -> IO[bytes]:
    """The content of a file, unpacked. InputError where it cannot be opened."""
    try:
        match path.suffix.lower():
            case ".gz":
                return cast(IO[bytes], gzip.open(path))
            case ".bz2":
                return cast(IO[bytes], bz2.open(path))
            case ".xz":
                return cast(IO[bytes], lzma.open(path))
            case ".zst":
                import pyarrow as pa

                return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
        return path.open("rb")
    except OSError as error:
        raise InputError(
            path,
            got=error.strerror or error,
            expected="a readable file",
            fix="check the path",
        ) from None


def numbered_lines(stream: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    """Numbered lines of a stream of bytes, without a byte-order mark.

    Raises:
        InputError: with the line where the text is not in its encoding, or the file is broken.
    """
    try:
        if not hasattr(stream, "peek"):
            stream = io.BufferedReader(cast(io.RawIOBase, stream))
        start = bytes(stream.peek(1024)[:1024])  # these bytes stay in the stream
        encoding = next((e for mark, e in _MARKS.items() if start.startswith(mark)), None)
        if encoding:
            yield from _wide_lines(stream, name, encoding)
        elif kind := next((k for mark, k in _NOT_TEXT.items() if start.startswith(mark)), None):
            raise InputError(
                name,
                got=kind,
                expected="text, as the suffix says",
                fix="rename the file, or save its rows as CSV",
            )
        elif b"\0" in start:
            raise InputError(
                name,
                got="bytes that are zero",
                expected="UTF-8 text; this looks like UTF-16 without a byte-order mark",
                fix="convert the file, e.g. iconv -f utf-16le -t utf-8",
            )
        else:
            yield from _utf8_lines(stream, name)
    except BROKEN as error:
        raise InputError(
            name, got=error, expected="a file that can be read whole", fix="get the file again"
        ) from None


def _utf8_lines(stream: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(stream, 1):
        try:
            yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{name}:{number}",
                got=f"byte 0x{line[error.start]:02x} at position {error.start + 1}",
                expected="UTF-8 text",
                fix="convert the file, e.g. iconv -f latin1 -t utf-8",
            ) from None


def _wide_lines(stream: IO[bytes], name: str, encoding: str) -> Iterator[tuple[int, str]]:
    text = io.TextIOWrapper(stream, encoding=encoding, newline="\n")
    number = 0
    try:
        for number, line in enumerate(text, 1):
            yield number, line
    except UnicodeError as error:
        raise InputError(
            f"{name}:{number + 1}",
            got=error,
            expected=f"{encoding.upper()} text, as its byte-order mark says",
            fix="save the file as UTF-8",
        ) from None
