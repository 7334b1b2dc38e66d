"""What a student cannot write is found out before it is trained."""

from pathlib import Path
from typing import Any

import pytest

from dsbs.core.errors import InputError
from dsbs.core.records import Example, Method, Target, TrainPair
from dsbs.student.codec import Codec
from dsbs.student.tokenizer import train_tokenizer
from dsbs.tasks.prompts import task_from
from dsbs.tasks.task import Task
from dsbs.training.prepare import prepare
from dsbs.training.tokenizer_check import (
    MOST_LABELS,
    SAMPLE_ROWS,
    Writing,
    check_labels,
    losses_in_words,
    lost_characters,
    spread,
)
from support.farm import Farm
from support.lossy_tokenizer import lossy_tokenizer, save_lossy_student
from support.trainings import data_of, settings_of

PREFIXES = {"label": "[label] ", "rationale": "[rationale] "}
METHODS: list[Method] = [
    "standard",
    "step_by_step",
    "rationale_then_label",
    "label_then_rationale",
    "pinto",
]


@pytest.fixture(scope="module")
def lossy() -> Any:
    return lossy_tokenizer()


def task_of(kind: str, labels: tuple[str, ...] = ()) -> Task:
    return task_from(
        {
            "name": "made",
            "version": 1,
            "label": {"kind": kind, "labels": labels},
            "input": "{{ text }}",
            "prompt": {"question": "{{ text }}", "answer": "{{ rationale }} So {{ label }}"},
            "answer": {"marker": "So"},
            "demonstrations": [{"text": "a", "rationale": "b", "label": "c"}],
            "columns": {"fields": {"text": "text"}}
            | ({"choices": "choices"} if kind == "choice" else {}),
        },
        "test",
    )


def writing(tokenizer: Any, method: Method = "standard", limit: int = 64, **prefixes: str) -> Any:
    return Writing("some-student", Codec(tokenizer), method, {**PREFIXES, **prefixes}, limit)


def row(*choices: str) -> Example:
    return Example("x", "train", {}, "input", choices)


@pytest.mark.parametrize("method", METHODS)
def test_a_label_that_does_not_come_back_is_an_error_with_a_way_out(
    lossy: Any, method: Method
) -> None:
    task = task_of("class", ("<=50K", ">50K"))
    with pytest.raises(InputError) as caught:
        check_labels(task, writing(lossy, method), ["<=50K", ">50K"], [])
    said = str(caught.value)
    assert "--student some-student" in said
    assert "<=50K" in said
    assert "=50K" in said.replace("<=50K", "")
    assert "1 of 2 labels" in said
    assert "use another student" in said
    assert "the label in the task file" in said


@pytest.mark.parametrize("method", METHODS)
def test_labels_that_come_back_pass_in_every_form(lossy: Any, method: Method) -> None:
    task = task_of("class", (">50K", "junior clerk", "lazy  dog"))
    check_labels(task, writing(lossy, method), ["junior clerk"], [])
    anything = train_tokenizer(["a b"], 300)
    task = task_of("class", ("<=50K", "{x}\\n", "\N{GRINNING FACE}", "\u6c34", "\u706b"))
    check_labels(task, writing(anything, method), task.label.labels, [])


def test_a_prefix_that_does_not_come_back_is_an_error_too(lossy: Any) -> None:
    task = task_of("class", ("junior", "senior"))
    with pytest.raises(InputError, match=r"'<label> junior'.*--prefixes"):
        check_labels(task, writing(lossy, "rationale_then_label", label="<label> "), ["junior"], [])


def test_labels_with_the_same_tokens_are_an_error(lossy: Any) -> None:
    with pytest.raises(InputError, match=r"'A\{' and 'A\}' alike"):
        check_labels(task_of("class", ("A{", "A}")), writing(lossy), [], [])
    choice = task_of("choice")
    with pytest.raises(InputError, match=r"alike.*in the rows"):
        check_labels(choice, writing(lossy), ["fox"], [row("fox", "A{", "A}")])


def test_options_are_checked_whether_or_not_they_are_learned(lossy: Any) -> None:
    choice = task_of("choice")
    check_labels(choice, writing(lossy), ["fox"], [row("fox", "dog"), row("fox", "fox")])
    with pytest.raises(InputError, match="'\u6c34' as ''"):
        check_labels(choice, writing(lossy), ["fox"], [row("fox", "dog"), row("fox", "\u6c34")])


def test_equations_count_by_value_and_texts_by_what_they_say(lossy: Any) -> None:
    check_labels(task_of("equation"), writing(lossy), ["50", "4"], [])
    with pytest.raises(InputError, match="cannot be written"):
        check_labels(task_of("equation"), writing(lossy), ["50", "( 4 * 5 )"], [])
    check_labels(task_of("text"), writing(lossy), ["fox", "dog"], [])
    with pytest.raises(InputError, match="1 of 3 labels"):
        check_labels(task_of("text"), writing(lossy), ["fox", "dog", "{dog}"], [])


def test_a_label_longer_than_the_limit_is_an_error(lossy: Any) -> None:
    task = task_of("class", ("A", "the quick brown fox"))
    with pytest.raises(InputError, match=r"--max-target-tokens 3.*'the quick brown fox'.*1 of 2"):
        check_labels(task, writing(lossy, limit=3), [], [])


def test_many_labels_are_sampled_and_the_message_says_so(
    lossy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSBS_CACHE", str(tmp_path))
    labels = [f"{number} {{" for number in range(MOST_LABELS + 10)]
    with pytest.raises(InputError, match=r"20,000 of 20,000 labels, a sample of 20,010, cannot"):
        check_labels(task_of("text"), writing(lossy), labels, [])


def test_lost_characters_are_counted_with_their_share(lossy: Any) -> None:
    pair = TrainPair(
        "1",
        "the fox\n{jumps} the dog</s>the dog",
        (Target("label", "fox"), Target("rationale", "because \N{GRINNING FACE} so")),
    )
    lost = lost_characters(Codec(lossy), [pair, pair])
    assert lost["inputs"].characters == {"\n": 2, "{": 2, "}": 2}
    assert (lost["inputs"].texts, lost["inputs"].changed) == (2, 2)
    assert lost["inputs"].share == pytest.approx(3 / len(pair.input))
    assert lost["targets"].characters == {"\N{GRINNING FACE}": 2}
    assert (lost["targets"].texts, lost["targets"].changed) == (4, 2)
    line = losses_in_words("some-student", lost)
    assert "the tokenizer of some-student loses" in line
    assert "newline, {, }" in line
    assert "2 of 4 texts tried" in line
    assert "\n" not in line


def test_nothing_is_said_where_nothing_is_lost() -> None:
    pair = TrainPair("1", "a\n{b}</s>  \u6c34", (Target("label", "\N{GRINNING FACE} <x>"),))
    assert lost_characters(Codec(train_tokenizer(["a b"], 300)), [pair]) == {}
    assert losses_in_words("some-student", {}) == ""


def test_a_sample_is_spread_over_all() -> None:
    assert spread([1, 2], 5) == [1, 2]
    sample = spread(range(10 * SAMPLE_ROWS), SAMPLE_ROWS)
    assert len(sample) == SAMPLE_ROWS
    assert (sample[0], sample[-1]) == (0, 10 * SAMPLE_ROWS - 10)


def test_training_says_and_records_what_the_student_cannot_write(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from dsbs import api

    farm = Farm(tmp_path)
    names = {"bird": "<=50K", "mammal": ">50K"}
    for path in (farm.task, farm.answers):
        text = path.read_text()
        for before, after in names.items():
            text = text.replace(f"a {before}", f"a {after}")
            text = text.replace(f"label: {before}", f"label: '{after}'")
        path.write_text(text.replace("[bird, mammal]", "['<=50K', '>50K']"))
    farm.write([{**row, "kind": names[row["kind"]]} for row in farm.rows])
    farm.generate()
    save_lossy_student(tmp_path / "t5")
    data = data_of(answers=tmp_path / "answered")
    with pytest.raises(InputError, match="1 of 2 labels cannot be written"):
        prepare(settings_of(data, student=str(tmp_path / "t5")), data)
    compared = api.compare(
        answers=tmp_path / "answered",
        student=str(tmp_path / "t5"),
        methods="standard",
        baselines="",
        max_steps=2,
        out=tmp_path / "compared",
    )
    (cell,) = compared["cells"]
    assert cell["status"] == "failed"
    assert "'<=50K' as '=50K'" in cell["error"]

    plain = tmp_path / "plain"
    plain.mkdir()
    other = Farm(plain)
    other.write([{**r, "sound": f"{r['sound']} {{"} for r in other.rows])
    other.answer()
    other.generate()
    trained = api.train(
        answers=plain / "answered",
        student=str(tmp_path / "t5"),
        max_steps=2,
        batch_size=4,
        out=plain / "student",
    )
    assert trained["lost_characters"]["inputs"]["characters"]["{"] > 0
    assert "loses" in capfd.readouterr().err
