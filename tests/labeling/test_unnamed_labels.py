"""A teacher that is not given a label cannot answer it: one line names such labels."""

from types import SimpleNamespace
from typing import Any

import pytest

from dsbs.core.records import Example
from dsbs.labeling.requests import Asker, Style
from dsbs.labeling.unnamed_labels import unnamed_in_words, unnamed_labels
from dsbs.tasks.prompts import load_task
from dsbs.teachers.protocol import Sampling
from support.command import Cli
from support.farm import Farm
from support.places import TASKS
from support.scripted_server import message, scripted
from support.served_farm import ask, flags

MANY = [f"intent {number}" for number in range(75)]


def with_labels(farm: Farm, *changes: tuple[str, str]) -> None:
    text = farm.task.read_text().replace("[bird, mammal]", f"[bird, mammal, {', '.join(MANY)}]")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    farm.task.write_text(text)


def unnamed(farm: Farm, *, chat: bool = False, style: Style | None = None) -> list[str]:
    task = load_task(str(farm.task))
    teacher: Any = SimpleNamespace(chat=chat, identity={}, sampling=Sampling())
    asker = Asker(task, teacher, style or Style())
    fields = {"animal": "intent 7", "sound": "moos"}
    return unnamed_labels(task, asker, Example("x", "train", fields, "intent 7 moos"))


INSTRUCTION = ("prompt:\n", 'prompt:\n  instruction: "One of: {{ labels }}."\n')
SYSTEM = ("prompt:\n", 'prompt:\n  system: "One of: {{ labels }}."\n')
QUESTION = ('question: "Animal', 'question: "{% for l in labels %}{{ l }} {% endfor %}Animal')


def test_labels_that_no_part_of_the_prompt_names_are_found(farm: Farm) -> None:
    assert unnamed(farm) == []
    with_labels(farm)
    # One of them stands in this row's own text, which the others do not have.
    assert unnamed(farm) == MANY


@pytest.mark.parametrize("change", [INSTRUCTION, QUESTION])
def test_a_list_in_instruction_or_question_is_enough(farm: Farm, change: tuple[str, str]) -> None:
    with_labels(farm, change)
    assert unnamed(farm) == unnamed(farm, chat=True) == []


def test_a_system_message_is_for_chat_and_zero_shot_lists_them_itself(farm: Farm) -> None:
    with_labels(farm, SYSTEM)
    assert unnamed(farm) == MANY
    assert unnamed(farm, chat=True) == []
    assert unnamed(farm, style=Style(zero_shot=True)) == []


def test_a_label_within_a_word_is_not_named(farm: Farm) -> None:
    farm.task.write_text(farm.task.read_text().replace("[bird, mammal]", "[bird, mammal, egg]"))
    assert unnamed(farm) == ["egg"]  # "eggs" is another word


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("chat", [False, True])
def test_every_packaged_task_names_its_labels(name: str, chat: bool) -> None:
    task = load_task(name)
    teacher: Any = SimpleNamespace(chat=chat, identity={}, sampling=Sampling())
    choices = ("red", "blue") if task.label.kind == "choice" else ()
    names = ("question", "problem", "premise", "hypothesis")
    example = Example("x", "train", dict.fromkeys(names, "?"), "? (a) red (b) blue", choices)
    assert unnamed_labels(task, Asker(task, teacher, Style()), example) == []


def test_it_is_said_once_at_the_start_and_in_the_plan(farm: Farm, cli: Cli) -> None:
    with_labels(farm)
    with scripted(lambda body: message("It has fur. So it is a mammal.")) as server:
        arguments = [*flags(farm, server.url), "--api", "chat", "--max-rows", "2"]
        plan = cli("generate", *arguments, "--plan", "--out", farm.folder / "asked")
        assert "the prompt names 2 of 77 labels" in plan.stdout
        assert "{{ labels }} in prompt.instruction" in plan.stdout
        made = cli("generate", *arguments, "--out", farm.folder / "asked")
    assert made.stderr.count("the prompt names 2 of 77 labels") == 1


def test_nothing_is_said_where_all_are_named(farm: Farm, capfd: pytest.CaptureFixture[str]) -> None:
    with scripted(lambda body: message("It has fur. So it is a mammal.")) as server:
        ask(farm, server.url, api="chat", max_rows=2)
    assert "the prompt names" not in capfd.readouterr().err
    assert unnamed_in_words(load_task(str(farm.task)), [], 2) == ""
