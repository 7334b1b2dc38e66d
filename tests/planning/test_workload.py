"""Tokens and time of a teacher."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dsbs.labeling.request_tokens import RequestTokens, tokens_per_request
from dsbs.planning.hardware import ACCELERATORS
from dsbs.planning.token_counter import token_counter
from dsbs.planning.workload import TeacherTime, teacher_time
from dsbs.scaling.flops import decoder_flops_per_token
from dsbs.tasks.prompts import (
    demonstrations,
    load_task,
    prompt_prefix,
    render_answer,
    render_prompt,
    render_question,
)
from dsbs.tasks.task import Task


def tokenizer_file(folder: Path) -> Path:
    """A tokenizer of whitespace words, one unknown token each."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def requests(task: Task, **given: Any) -> RequestTokens:
    """Tokens of a request on the task's own demonstrations."""
    prefix = prompt_prefix(task)
    prompts = [render_prompt(task, example, prefix) for example, _, _ in demonstrations(task)]
    count = token_counter("teacher", **given).count
    return tokens_per_request(task, prompts, count, shared=prefix)


def test_tokens_are_counted_by_the_tokenizer_and_the_shared_prefix_once(tmp_path: Path) -> None:
    task = load_task("svamp")
    shown = demonstrations(task)
    for given in (
        {"model": "7B", "tokenizer": str(tokenizer_file(tmp_path))},
        {"model": str(tmp_path), "tokenizer": None},
    ):
        each = requests(task, **given)
        prefix = len(prompt_prefix(task).split())
        question = np.mean([len(render_question(task, e).split()) for e, _, _ in shown])
        answer = np.mean([len(render_answer(task, *d).split()) for d in shown])
        assert (each.shared, each.question, each.answer) == pytest.approx(
            (prefix, question, answer)
        )
    total = each.total(100)
    assert total.cached_tokens == 99 * prefix
    assert total.prompt_tokens == pytest.approx(100 * (prefix + question))
    assert total.completion_tokens == pytest.approx(100 * answer)
    assert "ESTIMATED" in token_counter("teacher", "7B", None).basis


def test_money_counts_cached_tokens_at_their_own_price() -> None:
    total = RequestTokens(shared=100.0, question=20.0, answer=10.0).total(1000)
    assert total.money(price_in=1.0, price_out=2.0) == pytest.approx(0.12 + 0.02)
    cached = total.money(price_in=1.0, price_out=2.0, price_cached=0.1)
    assert cached == pytest.approx(0.02 + 0.0001 + 0.00999 + 0.02)
    assert RequestTokens(1.0, 1.0, 1.0).total(0).cached_tokens == 0


def test_a_teachers_time_falls_with_bandwidth_and_with_more_answers_at_once() -> None:
    each = requests(load_task("svamp"), model="7B", tokenizer=None)

    def time_on(device: str, concurrency: int) -> TeacherTime:
        return teacher_time(
            7e9, each, 1000, ACCELERATORS[device], utilization=0.4, concurrency=concurrency
        )

    h100, h200 = time_on("h100", 16), time_on("h200", 16)
    assert h200.writing < h100.writing
    assert h200.reading == h100.reading
    many = time_on("h100", 32)
    assert many.writing == pytest.approx(h100.writing / 2)  # bound by reading the weights
    per_token = decoder_flops_per_token(7e9, n_ctx=each.prompt + each.answer)
    bound = time_on("h100", 100_000)  # bound by its operations
    assert bound.writing == pytest.approx(1000 * each.answer * per_token / (0.4 * 989e12))
