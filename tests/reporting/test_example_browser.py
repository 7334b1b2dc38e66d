"""The test questions beside everybody's answers."""

import base64
import json
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dsbs.reporting.example_browser import packed_examples
from dsbs.reporting.load_runs import collect
from support.made_runs import World


def test_answers_to_other_inputs_do_not_stand_beside_a_prediction(tmp_path: Path) -> None:
    world = World(tmp_path, examples=6, students=("tiny",), fractions=(1.0,), seeds=1)
    answers = world.answers()
    compared = world.compare(answers)
    file = answers / "data" / "test.parquet"
    table = pq.read_table(file)
    hashes = table["input_hash"].to_pylist()
    other = pa.array(["0" * 16, *hashes[1:]])
    at = table.column_names.index("input_hash")
    pq.write_table(table.set_column(at, "input_hash", other), file)
    found = packed_examples(collect([compared]).comparisons[0])
    assert found is not None
    assert (found.shown, found.changed, found.has_texts) == (6, 1, True)
    packed = json.loads(zlib.decompress(base64.b64decode(found.data)))
    assert [bool(text) for text in packed["inputs"]] == [False, *[True] * 5]
    assert packed["teacher"]["outcome"][0] == ""
