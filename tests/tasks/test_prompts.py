"""Prompts test the parser, and the parser the prompts."""

import re
from collections import Counter

import pytest

from dsbs.core.errors import InputError
from dsbs.core.records import Completion
from dsbs.tasks.parsing import parse_answer
from dsbs.tasks.prompts import (
    demonstrations,
    load_task,
    prompt_prefix,
    render_answer,
    render_prompt,
    render_question,
    system_message,
)
from support.places import TASKS


@pytest.mark.parametrize("name", TASKS)
def test_every_demonstration_parses_back_into_its_rationale_and_label(name: str) -> None:
    task = load_task(name)
    shown = demonstrations(task)
    assert len(shown) >= 7
    for example, rationale, label in shown:
        text = render_answer(task, example, rationale, label)
        for finish in ("stop", None):
            answer = parse_answer(task, example, Completion("x", text, finish))
            assert (answer.outcome, answer.rationale, answer.label) == ("ok", rationale, label)
        run_on = text + task.prompt.separator + render_question(task, example) + text
        answer = parse_answer(task, example, Completion("x", run_on))
        assert (answer.outcome, answer.rationale, answer.label) == ("ok", rationale, label)


@pytest.mark.parametrize("name", TASKS)
def test_demonstrations_are_short_varied_and_not_repeated(name: str) -> None:
    shown = demonstrations(load_task(name))
    assert len({example.input for example, _, _ in shown}) == len(shown)
    for _, rationale, _ in shown:
        assert 5 <= len(rationale.split()) <= 40
        assert 1 <= len(re.findall(r"[.!?](\s|$)", rationale)) <= 2, rationale


@pytest.mark.parametrize("name", TASKS)
def test_no_label_and_no_position_is_shown_more_often_than_another(name: str) -> None:
    task = load_task(name)
    shown = demonstrations(task)
    if task.label.kind == "choice":
        assert {len(example.choices) for example, _, _ in shown} == {5}
        counts = Counter(example.choices.index(label) for example, _, label in shown)
        assert set(counts) == set(range(5))
    else:
        counts = Counter(label for _, _, label in shown)
        assert set(counts) >= set(task.label.labels)
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("name", TASKS)
def test_a_chat_model_is_told_what_to_do_and_how_to_end(name: str) -> None:
    task = load_task(name)
    told = system_message(task)
    assert task.answer.marker[0] in told
    assert all(label in told for label in task.label.labels)
    assert "no markdown" in told
    assert "{{" not in told
    assert told not in prompt_prefix(task)


def test_every_template_of_a_class_task_may_use_its_labels(tmp_path) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    text = FARM.replace("prompt:\n", 'prompt:\n  instruction: "One of: {{ labels }}."\n')
    path.write_text(text.replace("Animal: {{ input }}", "{{ labels | length }} {{ labels[1] }}"))
    task = load_task(str(path))
    assert prompt_prefix(task).startswith("One of: bird, mammal.\n\n2 mammal\nAnswer:")
    assert system_message(task) == "One of: bird, mammal."
    path.write_text(FARM.replace("prompt:\n", 'prompt:\n  system: "{{ lables }}"\n'))
    with pytest.raises(InputError, match="'lables' is undefined"):
        load_task(str(path))


def test_a_field_named_labels_stays_the_rows_own(tmp_path) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(FARM.replace("animal", "labels"))
    assert demonstrations(load_task(str(path)))[0].example.input == "hen clucks"


@pytest.mark.parametrize("name", TASKS)
def test_generation_stops_where_a_teacher_would_go_on_and_never_inside_an_answer(name: str) -> None:
    task = load_task(name)
    for example, rationale, label in demonstrations(task):
        answer = render_answer(task, example, rationale, label)
        assert not any(stop in answer for stop in task.prompt.stop)
        following = answer + task.prompt.separator + render_question(task, example)
        assert any(stop in following for stop in task.prompt.stop)


def test_the_prompt_is_the_same_bytes_for_every_example_up_to_its_question() -> None:
    task = load_task("cqa")
    prefix = prompt_prefix(task)
    examples = [example for example, _, _ in demonstrations(task)]
    prompts = [render_prompt(task, example, prefix) for example in examples]
    assert all(prompt.startswith(prefix) for prompt in prompts)
    assert prompts[0].removeprefix(prefix) == f"Q: {examples[0].input}\nA:"


def test_the_student_reads_what_the_published_code_gave_it() -> None:
    task = load_task("cqa")
    example = demonstrations(task)[0][0]
    assert example.input == (
        "Where would you keep milk so that it stays fresh for a week?\nAnswer Choices:\n"
        "(a) cupboard\n(b) refrigerator\n(c) breakfast table\n(d) cow\n(e) shopping bag"
    )
    assert "</s>" in demonstrations(load_task("anli1"))[0][0].input


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("marker: So it is a", "marker: It was"), "demonstration 1"),
        (("kind: class, labels: [bird, mammal]", "kind: class"), "label"),
        (("version: 1", "version: 0"), "version"),
        (("version: 1", "versoin: 1"), "version"),
        (("{{ animal }} {{ sound }}", "{{ beast }}"), "beast"),
        (("{{ animal }}", "{% if %}"), "farm.yaml"),
        (("label: bird}", "label: fish}"), "expected one of bird, mammal"),
        (("name: farm", "name: [farm"), "farm.yaml:"),
    ],
)
def test_a_broken_prompt_file_is_told_in_one_line(
    tmp_path, change: tuple[str, str], where: str
) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(FARM.replace(*change))
    with pytest.raises(InputError) as caught:
        load_task(str(path))
    assert where in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_template_of_somebody_else_cannot_reach_python(tmp_path) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(
        FARM.replace(
            "{{ animal }} {{ sound }}", "{{ animal.__class__.__mro__[1].__subclasses__() }}"
        )
    )
    with pytest.raises(InputError, match="unsafe"):
        load_task(str(path))


def test_numbers_and_yes_and_no_in_a_prompt_file_are_labels(tmp_path) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    text = FARM.replace("label: bird}", "label: no}").replace("label: mammal}", "label: 4}")
    path.write_text(text.replace("[bird, mammal]", "[no, 4, yes]"))
    task = load_task(str(path))
    assert task.label.labels == ("no", "4", "yes")
    assert {shown.label for shown in demonstrations(task)} == {"no", "4"}


def test_markers_are_one_or_several_and_never_empty(tmp_path) -> None:
    from support.farm import FARM

    path = tmp_path / "farm.yaml"
    path.write_text(FARM.replace("marker: So it is a", "marker: [So it is a, 'Answer:']"))
    assert load_task(str(path)).answer.marker == ("So it is a", "Answer:")
    path.write_text(FARM.replace("marker: So it is a", "marker: [So it is a, ' ']"))
    with pytest.raises(InputError, match="a marker is empty"):
        load_task(str(path))
