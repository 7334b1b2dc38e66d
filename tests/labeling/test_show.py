"""What `generate --show` prints of an answer."""

import json
from pathlib import Path

from dsbs import api
from dsbs.artifacts.results.generate import GenerateResult, ShownAnswer
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


TEMPLATE = "Animal: hen\nAnswer: It lays eggs. So it is a bird.\n\n"


def shown(name: str, animal: str) -> ShownAnswer:
    return ShownAnswer(
        id=name,
        prompt=f"{TEMPLATE}Animal: {animal}\nAnswer:",
        completion=" So it is a bird.",
        outcome="ok",
        label="bird",
        gold=None,
        correct=None,
    )


def result(*rows: ShownAnswer) -> str:
    made = GenerateResult(out="o", task="farm", teacher="t", splits={}, shown=list(rows))
    return show_results(made)


def test_what_prompts_share_is_printed_once_and_the_rows_side_by_side() -> None:
    text = result(shown("a", "duck"), shown("b", "dove"))
    assert text.count("It lays eggs.") == 1
    head, rows = text.split("prompts and answers")
    assert head.rstrip().endswith("---")
    # Both questions begin with a d, which is the rows' own all the same.
    assert "Animal: duck" in rows
    assert "Animal: dove" in rows
    assert [line.split()[0] for line in rows.splitlines() if "So it is" in line] == ["a", "b"]


def test_a_single_prompt_is_printed_whole_and_none_without_rows() -> None:
    assert "It lays eggs." in result(shown("a", "duck")).split("prompts and answers")[1]
    assert "prompts and answers" not in result()


def test_rows_that_look_like_the_prompt_are_counted_and_told(farm: Farm) -> None:
    marked = {"sound": "says: So it is a bird"}
    farm.write([*({**row, **marked} for row in farm.rows[:3]), *farm.rows[3:]])
    farm.answer()
    made = GenerateResult.model_validate(farm.generate(splits=("train", "validation", "test")))
    assert sum(split.look_alikes for split in made.splits.values()) == 3
    assert "3 rows hold text that looks like the prompt's own markers (" in show_results(made)
