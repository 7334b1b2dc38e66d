"""What `generate --show` prints of an answer."""

import json
from pathlib import Path

from dsbs import api
from dsbs.artifacts.results.generate import GenerateResult
from dsbs.labeling.show import show_results
from support.farm import Farm

TASK = """\
name: sums
version: 1
label: {kind: equation}
input: "{{ question }}"
prompt:
  question: "Q: {{ input }}\\nA:"
  answer: " {{ rationale }} The answer is {{ label }}."
  stop: ["\\n\\n"]
answer: {marker: The answer is, ends: ["Q:"]}
demonstrations:
  - {question: "One and one?", rationale: It is two., label: ( 1 + 1 )}
columns: {fields: {question: question}, gold: value, id: name}
"""


def test_an_answer_is_right_if_it_means_what_gold_means(tmp_path: Path) -> None:
    (tmp_path / "sums.yaml").write_text(TASK)
    folder = tmp_path / "rows"
    folder.mkdir()
    rows = "name,question,value\na,Seven and five?,12\nb,Six and six?,12.0\nc,Six and seven?,12\n"
    (folder / "train.csv").write_text(rows)
    texts = {"a": "( 7 + 5 )", "b": "12", "c": "13"}
    lines = [
        {"id": name, "text": f" It is so. The answer is {text}."} for name, text in texts.items()
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    made = api.generate(
        task=str(tmp_path / "sums.yaml"),
        data=folder,
        answers_from=tmp_path / "answers.jsonl",
        show=True,
        out=tmp_path / "out",
    )
    assert {shown["id"]: shown["correct"] for shown in made["shown"]} == {
        "a": True,
        "b": True,
        "c": False,
    }
    assert made["splits"]["train"]["teacher_correct"] == 2


def test_rows_that_look_like_the_prompt_are_counted_and_told(farm: Farm) -> None:
    marked = {"sound": "says: So it is a bird"}
    farm.write([*({**row, **marked} for row in farm.rows[:3]), *farm.rows[3:]])
    farm.answer()
    made = GenerateResult.model_validate(farm.generate(splits=("train", "validation", "test")))
    assert sum(split.look_alikes for split in made.splits.values()) == 3
    assert "3 rows hold text that looks like the prompt's own markers (" in show_results(made)
