"""Answers that other programs wrote, joined to the rows that they were made for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.core.records import Example
from dsbs.data.load import load_data
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import load_task, render_question
from dsbs.teachers.answer_formats import read_answers
from dsbs.teachers.protocol import Prompt
from dsbs.teachers.published import PublishedAnswers, read_published
from support.farm import Farm

TEXT = " It has feathers. So it is a bird."
CHAT = {"choices": [{"message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}]}
PARTS = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": TEXT}]
CLAUDE = {"type": "message", "content": PARTS, "stop_reason": "end_turn"}
OUTPUT = [
    {"type": "reasoning", "summary": []},
    {"content": [{"type": "output_text", "text": TEXT}]},
]


def batch(response: Any, error: Any = None) -> dict[str, Any]:
    return {"id": "batch_req_1", "custom_id": "row-1", "response": response, "error": error}


FORMATS: Mapping[str, dict[str, Any]] = {
    "text": {"id": "row-1", "text": TEXT},
    "openai batch": batch({"status_code": 200, "body": CHAT}),
    "vllm run-batch": {
        **batch({"status_code": 200, "request_id": "x", "body": CHAT}),
        "id": "vllm",
    },
    "openai batch of completions": batch(
        {"status_code": 200, "body": {"choices": [{"text": TEXT, "finish_reason": "stop"}]}}
    ),
    "openai batch of responses": batch({"status_code": 200, "body": {"output": OUTPUT}}),
    "status as text": batch({"status_code": "200", "body": CHAT}),
    "anthropic batch": {
        "custom_id": "row-1",
        "result": {"type": "succeeded", "message": CLAUDE},
    },
    "chat log with an id": {
        "id": "row-1",
        "request": {"messages": [{"role": "user", "content": "The duck quacks. What is it?"}]},
        "response": CHAT,
    },
    "conversation": {
        "id": "row-1",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is a duck that quacks?"},
            {"role": "assistant", "content": TEXT},
        ],
    },
}


@pytest.fixture
def data(farm: Farm) -> Path:
    path = farm.folder / "rows.jsonl"
    rows = [
        {"id": "row-1", "animal": "duck", "sound": "quacks", "kind": "bird"},
        {"id": 2, "animal": "cow", "sound": "moos", "kind": "mammal"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def published(
    farm: Farm, data: Path, *lines: Any, form: Any = "auto", may_have_changed: bool = False
) -> PublishedAnswers:
    text = farm.task.read_text().replace("gold: kind}", "gold: kind, id: id}")
    farm.task.write_text(text)
    task = load_task(str(farm.task))
    path = farm.folder / "theirs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    splits = load_data(task, data).splits.values()
    return read_published(task, path, form, splits, may_have_changed=may_have_changed)


def completed(teacher: PublishedAnswers, example_id: str) -> Any:
    (found,) = teacher.complete([Prompt(teacher.key(example_id))])
    return found


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_answer_of_its_row(farm: Farm, data: Path, name: str) -> None:
    teacher = published(farm, data, FORMATS[name])
    found = completed(teacher, "row-1")
    assert (found.text, found.error) == (TEXT, None)
    assert found.reasoning == ("Hm." if name == "anthropic batch" else None)
    assert found.finish_reason in ("stop", None)
    assert completed(teacher, "2").error == "the published answers have no such id"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (batch(None, {"code": "expired", "message": "too late"}), "failed: too late"),
        (batch({"status_code": 429, "body": {"error": {"message": "slow down"}}}), "slow down"),
        (batch({"status_code": 200, "body": None}), "failed"),
        ({"custom_id": "row-1", "result": {"type": "expired"}}, "failed: expired"),
        (
            {"custom_id": "row-1", "result": {"type": "errored", "error": {"message": "no"}}},
            "failed: no",
        ),
        (
            batch({"body": {"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}}),
            "the answer has no text (it ended with stop)",
        ),
        ({"id": "row-1", "text": None}, "its text is null"),
        ({"id": "row-1", "text": "", "error": "HTTP 500"}, "HTTP 500"),
    ],
)
def test_what_failed_there_is_a_failed_row_with_its_reason(
    farm: Farm, data: Path, line: dict[str, Any], error: str
) -> None:
    found = completed(published(farm, data, line), "row-1")
    assert found.text == ""
    assert error in found.error


@pytest.mark.parametrize(
    ("reason", "outcome"), [("length", "cut_off"), ("content_filter", "refused")]
)
def test_no_text_for_a_reason_is_an_answer(
    farm: Farm, data: Path, reason: str, outcome: str
) -> None:
    choice = {"message": {"content": None}, "finish_reason": reason}
    found = completed(published(farm, data, batch({"body": {"choices": [choice]}})), "row-1")
    assert (found.text, found.error, found.finish_reason) == ("", None, reason)
    task = load_task(str(farm.task))
    example = Example("row-1", "train", {}, "", ())
    assert parse_answer(task, example, found).outcome == outcome


def test_a_refusal_is_an_answer(farm: Farm, data: Path) -> None:
    refused = {"choices": [{"message": {"content": None, "refusal": "I cannot help."}}]}
    parts = {"output": [{"content": [{"type": "refusal", "refusal": "I cannot help."}]}]}
    for body in (refused, parts):
        teacher = published(farm, data, batch({"status_code": 200, "body": body}))
        assert completed(teacher, "row-1").text == "I cannot help."


def test_a_cut_answer_is_known_by_every_providers_word(farm: Farm, data: Path) -> None:
    output = {**{"output": OUTPUT}, "incomplete_details": {"reason": "max_output_tokens"}}
    for body in (CLAUDE | {"stop_reason": "max_tokens"}, output):
        teacher = published(farm, data, batch({"status_code": 200, "body": body}))
        assert completed(teacher, "row-1").finish_reason == "length"


def test_a_log_without_ids_is_joined_by_what_was_asked(farm: Farm, data: Path) -> None:
    task = load_task(str(farm.task))
    duck, _ = (e for rows in load_data(task, data).splits.values() for e in rows)
    for asked in (
        "duck quacks",
        render_question(task, duck),
        f"Decide which kind it is.\n\n{render_question(task, duck)}",
        [{"type": "text", "text": "duck  quacks"}],
        "Text: cow moos\nAnswer: mammal\n\nText: duck quacks\nAnswer:",
    ):
        line = {"request": {"messages": [{"role": "user", "content": asked}]}, "response": CLAUDE}
        assert completed(published(farm, data, line), "row-1").text == TEXT
    request = {"metadata": {"row_id": 2}, "prompt": "Which kind is a cow that moos?"}
    line = {"request": request, "response": CLAUDE}
    assert completed(published(farm, data, line), "2").text == TEXT
    line = {"prompt": "duck quacks", "response": TEXT}
    assert completed(published(farm, data, line), "row-1").text == TEXT


def label_studio(*labels: str, **data: Any) -> dict[str, Any]:
    return {
        "id": 900,
        "data": data,
        "annotations": [
            {
                "was_cancelled": False,
                "result": [
                    {"type": "choices", "value": {"choices": [label]}},
                    {"type": "textarea", "value": {"text": ["It has feathers."]}},
                ],
            }
            for label in labels
        ],
    }


def test_an_export_of_label_studio_is_joined_by_its_data(farm: Farm, data: Path) -> None:
    export = label_studio("bird", animal="duck", sound="quacks", kind="?")
    found = completed(published(farm, data, export), "row-1")
    assert json.loads(found.text) == {"rationale": "It has feathers.", "label": "bird"}
    export = label_studio("bird", "Bird", animal="duck", sound="quacks")  # one meaning
    assert json.loads(completed(published(farm, data, export), "row-1").text)["label"] == "bird"
    export = label_studio("bird", "mammal", animal="duck", sound="quacks")
    assert "do not agree" in completed(published(farm, data, export), "row-1").error
    export = label_studio(animal="duck", sound="quacks")
    assert "not annotated" in completed(published(farm, data, export), "row-1").error
    # A task of its own has the id of a row, and is not that row.
    export = {**label_studio("bird", animal="owl", sound="hoots"), "id": 2}
    with pytest.raises(InputError, match="1 of 1 answers belong to no row"):
        published(farm, data, export)


def test_an_export_of_doccano_is_joined_by_its_text(
    farm: Farm, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"id": 2, "text": "duck quacks", "label": ["bird"]},
        {"id": 3, "text": "owl hoots", "label": ["bird"]},
        {"id": 4, "text": "cow moos", "label": []},
    ]
    teacher = published(farm, data, *lines)
    assert json.loads(completed(teacher, "row-1").text)["label"] == "bird"
    assert completed(teacher, "2").error == "it is not annotated"
    assert "1 of 3 answers belong to no row of the data; the first is" in capsys.readouterr().err
    with pytest.raises(InputError, match="2 answers"):
        published(farm, data, {"id": 1, "text": "duck quacks", "label": ["bird", "mammal"]})


def test_ids_are_the_same_as_text_and_as_numbers(farm: Farm, data: Path) -> None:
    for own in (2, 2.0, "2"):
        assert completed(published(farm, data, {"id": own, "text": TEXT}), "2").text == TEXT


def test_alike_rows_share_an_answer_or_have_their_own(farm: Farm, tmp_path: Path) -> None:
    data = farm.folder / "rows.jsonl"
    row = {"animal": "duck", "sound": "quacks", "kind": "bird"}
    data.write_text("".join(json.dumps({**row, "id": f"row-{n}"}) + "\n" for n in range(3)))
    one = {"prompt": "duck quacks", "response": "first"}
    two = {**one, "response": "second"}
    three = {**one, "response": "third"}
    for lines, texts in (
        ([one], ["first"] * 3),
        ([one, one], ["first"] * 3),
        ([one, two, three], ["first", "second", "third"]),
    ):
        teacher = published(farm, data, *lines)
        assert [completed(teacher, f"row-{n}").text for n in range(3)] == texts
    with pytest.raises(InputError, match=r"theirs.jsonl:2: got id 'row-0' a second time"):
        published(farm, data, one, two)


@pytest.mark.parametrize(
    "line",
    [
        {"id": None, "text": "x"},
        {"text": "x"},
        {"id": "row-1"},
        {"id": "row-1", "text": 7},
        {"messages": [{"role": "user", "content": "x"}]},
        {"messages": "x", "response": {}},
        {"request": 3, "response": CHAT},
        {"custom_id": "x", "response": {"body": {"object": "embedding"}}},
        {"custom_id": "x", "response": {"body": {"choices": [{}, {}]}}},
        {"data": 3, "annotations": 3},
        {"text": "x", "label": ["a", "b"]},
        {"id": 1, "text": "duck quacks", "label": "bird"},
        {"id": 1, "text": "duck quacks", "kind": "bird", "annotation_id": 3, "lead_time": 1.5},
        {},
    ],
)
def test_a_row_in_no_known_format_is_an_error_with_its_line(tmp_path: Path, line: Any) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    with pytest.raises(InputError, match=r"a.jsonl:1: got"):
        read_answers(tmp_path / "a.jsonl", "auto")


def test_a_format_may_be_named(farm: Farm, data: Path) -> None:
    line = {"id": "row-1", "text": "duck quacks", "label": "bird"}
    assert completed(published(farm, data, line, form="text"), "row-1").text == "duck quacks"
    found = completed(published(farm, data, line, form="doccano"), "row-1")
    assert json.loads(found.text)["label"] == "bird"
    with pytest.raises(InputError, match="custom_id"):
        published(farm, data, line, form="batch")


def test_keys_of_plain_answers_stay_and_other_formats_have_their_own(
    farm: Farm, data: Path
) -> None:
    line = {"id": "row-1", "text": "duck quacks", "label": ["bird"]}
    plain = published(farm, data, line, form="text")
    other = published(farm, data, line, form="doccano")
    assert plain.key("row-1") != other.key("row-1")
