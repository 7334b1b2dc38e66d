"""What models write before their answer is found whatever they mark it with."""

import time

import pytest

from dsbs.tasks.traces import split_reasoning


@pytest.mark.parametrize(
    "text",
    [
        "<think>hm</think>It is 4.",
        "<THINK>hm</Think>It is 4.",
        "hm</think>It is 4.",
        "<thinking>hm</thinking>It is 4.",
        "<think>hm</thinking>It is 4.",
        "<reasoning>hm</reasoning>It is 4.",
        "<longcat_think>hm</longcat_think>It is 4.",
        "<thought_process>hm</thought_process>It is 4.",
        "<inner_monologue>hm</inner_monologue>It is 4.",
        "<unused94>thought\nhm<unused95>It is 4.",
        "Here are my reasoning steps:\nhm\n[BEGIN FINAL RESPONSE]\nIt is 4.",
        "hm [BEGIN FINAL RESPONSE] It is 4.",
        "<seed:think>hm</seed:think>It is 4.",
        "[THINK]hm[/THINK]It is 4.",
        "◁think▷hm◁/think▷It is 4.",
        "<|START_THINKING|>hm<|END_THINKING|>It is 4.",
        "<|channel>thought\nhm<channel|>It is 4.",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>It is 4.",
        "<|channel|>analysis<|message|>hm<|channel|>final<|message|>It is 4.",
        "analysisHm<|x|>assistantfinalIt is 4.".replace("Hm<|x|>", "Hm"),
        "Here is my thought process: hm Here is my response: It is 4.",
        "Here's my thought process:\nhm\nHere's my response:\nIt is 4.",
    ],
)
def test_a_trace_and_the_answer_behind_it(text: str) -> None:
    trace, answer = split_reasoning(text)
    assert trace.lower() == "hm"
    assert answer.strip() == "It is 4."


def test_a_trace_may_open_anywhere_and_more_than_once() -> None:
    found = split_reasoning("Sure. <think>a</think> It is <think>b</think> 4.")
    assert found.trace == "a\nb"
    assert found.answer.split() == ["Sure.", "It", "is", "4."]


def test_a_text_without_a_trace_is_all_answer() -> None:
    for text in (
        "It is 4.",
        "a < b and [c]",
        "analysis of data",
        "Here is my thought process: hm.",
    ):
        assert split_reasoning(text) == ("", text)


def test_long_texts_take_no_time() -> None:
    started = time.monotonic()
    for part in (
        "<think>",
        "</think>",
        "<",
        "[",
        "<think></think>",
        "<|channel|>analysis",
        "assistant",
    ):
        split_reasoning(part * (100_000 // len(part)))
    assert time.monotonic() - started < 3
