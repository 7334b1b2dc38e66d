"""Tokens and time of a teacher."""

from pathlib import Path

import numpy as np
import pytest

from dsbs.planning.hardware import ACCELERATORS
from dsbs.planning.workload import counter, teacher_time, teacher_tokens
from dsbs.scaling.flops import decoder_flops_per_token
from dsbs.tasks.prompts import (
    demonstrations,
    load_task,
    prompt_prefix,
    render_answer,
    render_question,
)


def tokenizer_file(folder: Path) -> Path:
    """A tokenizer of whitespace words, one unknown token each."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    tokenizer = Tokenizer(WordLevel({"?": 0}, unk_token="?"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


def test_tokens_are_counted_by_the_tokenizer_and_the_shared_prefix_once(tmp_path: Path) -> None:
    task = load_task("svamp")
    shown = demonstrations(task)
    examples = [example for example, _, _ in shown]
    for given in (
        {"model": "7B", "tokenizer": str(tokenizer_file(tmp_path))},
        {"model": str(tmp_path), "tokenizer": None},
    ):
        counted = teacher_tokens(task, examples, 100, counter("teacher", **given))
        prefix = len(prompt_prefix(task).split())
        question = np.mean([len(render_question(task, e).split()) for e in examples])
        assert (counted.prefix, counted.cached) == (prefix, 99 * prefix)
        assert counted.questions == pytest.approx(100 * question)
        assert counted.answers == pytest.approx(
            100 * np.mean([len(render_answer(task, *d).split()) for d in shown])
        )
    assert "ESTIMATED" in counter("teacher", "7B", None).says


def test_a_teachers_time_falls_with_bandwidth_and_with_more_answers_at_once() -> None:
    task = load_task("svamp")
    examples = [example for example, _, _ in demonstrations(task)]
    tokens = teacher_tokens(task, examples, 1000, counter("teacher", "7B", None))
    h100, h200 = (
        teacher_time(7e9, tokens, ACCELERATORS[n], utilisation=0.4, concurrency=16)
        for n in ("h100", "h200")
    )
    assert h200.writing < h100.writing
    assert h200.reading == h100.reading
    many = teacher_time(7e9, tokens, ACCELERATORS["h100"], utilisation=0.4, concurrency=32)
    assert many.writing == pytest.approx(h100.writing / 2)  # bound by reading the weights
    flops = tokens.answers * decoder_flops_per_token(7e9, n_ctx=tokens.per_prompt)
    bound = teacher_time(7e9, tokens, ACCELERATORS["h100"], utilisation=0.4, concurrency=100_000)
    assert bound.writing == pytest.approx(flops / (0.4 * 989e12))  # bound by its operations
