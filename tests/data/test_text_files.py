"""Encodings and packed files."""

import bz2
import gzip
import io
import lzma
from pathlib import Path

import pyarrow as pa
import pytest

from dsbs.core.errors import InputError
from dsbs.data.readers import read_rows
from dsbs.data.text_files import numbered_lines, open_bytes, stem_of, suffix_of

TEXT = "text,kind\nSpät 🦆,bad\ngut,good\n"
PACKERS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: pa.compress(content, codec="zstd", asbytes=True),
}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"]
)  # the last two write a mark
def test_files_with_a_byte_order_mark_are_read(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "rows.csv").write_bytes(TEXT.encode(encoding))
    rows = [row for _, row in read_rows(tmp_path / "rows.csv")]
    assert rows[0] == {"text": "Spät 🦆", "kind": "bad"}


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_utf_16_without_a_mark_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "rows.csv").write_bytes(TEXT.encode(encoding))
    with pytest.raises(InputError, match="UTF-16"):
        list(read_rows(tmp_path / "rows.csv"))


@pytest.mark.parametrize(
    ("start", "kind"), [(b"PK\x03\x04", "Excel"), (b"PAR1", "Parquet"), (b"\x1f\x8b", "gzipped")]
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, start: bytes, kind: str) -> None:
    (tmp_path / "rows.csv").write_bytes(start + bytes(40))
    with pytest.raises(InputError, match=kind):
        list(read_rows(tmp_path / "rows.csv"))


def test_broken_utf_16_is_an_error_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(TEXT.encode("utf-16")[:-1])
    with pytest.raises(InputError, match="UTF-16 text"):
        list(read_rows(tmp_path / "rows.csv"))


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_are_read_and_broken_ones_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"ROWS.CSV{suffix.upper()}"
    path.write_bytes(PACKERS[suffix](TEXT.encode()))
    assert [row["kind"] for _, row in read_rows(path)] == ["bad", "good"]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError):
        list(read_rows(path))
    path.write_bytes(b"no packed file")
    with pytest.raises(InputError):
        list(read_rows(path))


def test_names_are_taken_apart() -> None:
    assert [suffix_of(Path(name)) for name in ("A.CSV", "a.v1.jsonl.gz", "a.gz", "a")] == [
        ".csv",
        ".jsonl",
        "",
        "",
    ]
    assert [stem_of(Path(name)) for name in ("Train.CSV", "train.csv.gz")] == ["train", "train"]


def test_a_stream_without_a_file_is_read_too() -> None:
    assert list(numbered_lines(io.BytesIO(b"\xef\xbb\xbfa\r\nb"), "x")) == [(1, "a\r\n"), (2, "b")]
    with pytest.raises(InputError, match="readable"):
        open_bytes(Path("/no/such/file.csv"))
