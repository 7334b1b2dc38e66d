"""Whatever lies in a file, a reader gives rows or one line that says what is wrong."""

import contextlib
import csv
import gzip
import io
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.data.load import load_data
from dsbs.data.readers import SUFFIXES, read_rows
from dsbs.data.text_files import PACKED
from dsbs.data.unlabeled import UnlabeledRows
from dsbs.tasks.prompts import load_task
from dsbs.tasks.task import Task
from dsbs.teachers.answer_formats import read_answers
from dsbs.teachers.published import read_release
from support.strategies import JSON, ROWS

SLOWLY = settings(
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TASKS: list[Task] = [load_task(name) for name in ("cqa", "anli1", "svamp", "asdiv")]
FORMATS = ["auto", "text", "batch", "chat", "label-studio", "doccano"]


def only_input_errors(path: Path) -> None:
    with contextlib.suppress(InputError):
        list(read_rows(path))
    for task in TASKS:
        for skip in (False, True):
            with contextlib.suppress(InputError):
                data = load_data(task, path, skip_incomplete=skip)
                for example in (e for rows in data.splits.values() for e in rows):
                    is_sound(example)
        with contextlib.suppress(InputError):
            for one in UnlabeledRows(task).read(read_rows(path)):
                is_sound(one.example)
    for form in FORMATS:
        with contextlib.suppress(InputError):
            read_answers(path, form)  # type: ignore[arg-type]


def is_sound(example: Example) -> None:
    """Every value is text or a number, and all text can be written down."""
    assert all(type(value) in (str, int, float) for value in example.fields.values())
    for text in (
        example.id,
        example.input,
        *example.choices,
        example.gold or "",
        example.group or "",
    ):
        text.encode()
        assert type(text) is str


@SLOWLY
@given(content=st.binary(max_size=300), suffix=st.sampled_from([*SUFFIXES, ".txt", ""]))
def test_any_bytes(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(content)
    only_input_errors(path)


@SLOWLY
@given(content=st.binary(max_size=100), suffix=st.sampled_from(PACKED), cut=st.integers(0, 60))
def test_any_packed_bytes(tmp_path: Path, content: bytes, suffix: str, cut: int) -> None:
    path = tmp_path / f"rows.jsonl{suffix}"
    path.write_bytes(gzip.compress(content)[cut:])
    only_input_errors(path)


@SLOWLY
@given(
    text=st.text(st.sampled_from(string.ascii_letters[:4] + '"",;|\t\n\r\\ é\ufeff'), max_size=80)
)
def test_any_csv(tmp_path: Path, text: str) -> None:
    for suffix in (".csv", ".tsv"):
        for encoding in ("utf-8", "utf-16"):
            path = tmp_path / f"rows{suffix}"
            path.write_bytes(text.encode(encoding))
            only_input_errors(path)


@SLOWLY
@given(rows=ROWS, lines=st.booleans())
def test_any_json(tmp_path: Path, rows: list[dict[str, Any]], lines: bool) -> None:
    path = tmp_path / "rows.json"
    path.write_text("\n".join(map(json.dumps, rows)) if lines else json.dumps(rows))
    only_input_errors(path)


@SLOWLY
@given(rows=ROWS)
def test_any_parquet(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pa.Table.from_pylist(rows)
        pq.write_table(table, tmp_path / "rows.parquet")
    except (pa.ArrowException, UnicodeError, OverflowError, TypeError):
        return  # not every such row is a Parquet row
    only_input_errors(tmp_path / "rows.parquet")
    content = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(content[: len(content) // 2] + content[-8:])
    only_input_errors(tmp_path / "rows.parquet")


@SLOWLY
@given(
    template=st.text(st.sampled_from("{}%-|.'[]()0a+ \n"), max_size=20)
    | st.sampled_from(
        ["{{ label.x }}", "{{ label|int }}", "{{ label[0] }}", "{{ label.items() }}"]
    ),
    value=JSON,
)
def test_any_template(tmp_path: Path, template: str, value: Any) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"premise": "p", "hypothesis": "h", "label": value, "a": value}))
    task = TASKS[1]
    for part in ("gold", "id", "group", "fields"):
        spec = {"premise": template, "hypothesis": "hypothesis"} if part == "fields" else template
        columns = task.columns.model_copy(update={part: spec})
        with contextlib.suppress(InputError):
            load_data(task.model_copy(update={"columns": columns}), path)


@SLOWLY
@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_saved_data_set(saved: Path, place: int, byte: int, cut: bool) -> None:
    """One byte of one of its files is another, or the file ends there."""
    files = sorted(path for path in saved.rglob("*") if path.is_file())
    file = files[place % len(files)]
    content = file.read_bytes()
    at = place % max(1, len(content))
    file.write_bytes(content[:at] + (b"" if cut else bytes([byte]) + content[at + 1 :]))
    try:
        with contextlib.suppress(InputError):
            for rows in load_data(TASKS[1], saved).splits.values():
                for example in rows:
                    is_sound(example)
    finally:
        file.write_bytes(content)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that `datasets` saved."""
    datasets = pytest.importorskip("datasets")
    labels = datasets.ClassLabel(names=["entailment", "neutral", "contradiction"])
    text = datasets.Value("string")
    features = datasets.Features({"premise": text, "hypothesis": text, "label": labels})
    rows = {"premise": ["a", "b"], "hypothesis": ["c", "d"], "label": [1, -1]}
    made = datasets.Dataset.from_dict(rows, features=features)
    folder = tmp_path_factory.mktemp("saved") / "set"
    datasets.DatasetDict({"train": made, "test": made}).save_to_disk(folder)
    return folder


@SLOWLY
@given(content=st.binary(max_size=60) | JSON.map(json.dumps).map(str.encode))
def test_any_chunk_of_a_release(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train_CoT_0.json").write_bytes(content)
    with contextlib.suppress(InputError):
        read_release(tmp_path, 10, {"train": ["a", "b"]})


CELLS = st.text(st.sampled_from('ab",;\t\n é'), max_size=6)


@SLOWLY
@given(
    cells=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;|\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_a_program_wrote_is_read_back_or_refused(
    tmp_path: Path, cells: list[tuple[str, str]], delimiter: str, quoting: Any
) -> None:
    """Only rows of empty cells are left out."""
    stream = io.StringIO()
    rows = [("text", "kind"), *cells]
    csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)
    path = tmp_path / "rows.csv"
    path.write_text(stream.getvalue(), newline="")
    wanted = [pair for pair in cells if any(cell.strip() for cell in pair)]
    try:
        assert [(r["text"], r["kind"]) for _, r in read_rows(path)] == wanted
    except InputError:
        assert delimiter == "\t" or not wanted
