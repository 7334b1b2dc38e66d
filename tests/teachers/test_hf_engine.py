"""Prompts with the same demonstrations: they are read once for a batch, and answered as if each
were alone.
"""

from pathlib import Path

import pytest

pytest.importorskip("torch")

from transformers import AutoTokenizer, MistralConfig, MistralForCausalLM

from dsbs.core.files import packaged
from dsbs.data.load import load_data
from dsbs.labeling.requests import Asker, Style
from dsbs.tasks.prompts import load_task, prompt_prefix, render_prompt
from dsbs.teachers.hf_engine import TransformersTeacher
from dsbs.teachers.label_scoring import encode_continuations
from dsbs.teachers.protocol import EngineOptions, Idle, Prompt, Sampling

TEACHER = packaged("quickstart/teacher")


def prompts() -> list[Prompt]:
    task = load_task("quickstart")
    examples = load_data(task, None).splits["test"][:6]
    prefix = prompt_prefix(task)
    return [Prompt(e.id, render_prompt(task, e, prefix)) for e in examples]


def answers(model: Path, batch_size: int) -> tuple[dict[str, tuple[str, int | None]], int]:
    """Text and prompt tokens of every answer, and how many tokens the model has read or written for
    them.
    """
    seen = []
    sampling = Sampling(max_new_tokens=12)
    options = EngineOptions(str(model), dtype="float32", concurrency=batch_size)
    with TransformersTeacher(options, sampling, device="cpu") as teacher:
        embeddings = teacher._model.get_input_embeddings()
        embeddings.register_forward_hook(lambda module, given, out: seen.append(given[0].numel()))
        found = [c for c in teacher.complete(prompts()) if not isinstance(c, Idle)]
    return {c.id: (c.text, c.prompt_tokens) for c in found}, sum(seen)


def test_what_prompts_share_is_read_once_and_changes_no_answer() -> None:
    together, tokens_together = answers(TEACHER, 6)
    alone, tokens_alone = answers(TEACHER, 1)
    assert together == alone
    assert tokens_together < tokens_alone / 3


def test_a_model_that_looks_back_only_so_far_reads_each_prompt_whole(tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(TEACHER)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 2}
    config = MistralConfig(vocab_size=len(tokenizer), sliding_window=64, **sizes, **heads)
    MistralForCausalLM(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    together, tokens_together = answers(tmp_path, 6)
    alone, tokens_alone = answers(tmp_path, 1)
    assert together == alone
    assert tokens_together >= tokens_alone


def test_labels_are_scored_with_one_reading_of_what_precedes_them() -> None:
    """As if each label's text were read whole, and by the label behind its letter."""
    task = load_task("quickstart")
    example = load_data(task, None).splits["test"][0]
    options = EngineOptions(str(TEACHER), dtype="float32", api="completions")
    with TransformersTeacher(options, Sampling(), device="cpu") as teacher:
        prompt = Asker(task, teacher, Style()).score_prompt(example, "It is so.")
        scored = encode_continuations(teacher._encode, prompt.text, prompt.labels)
        assert not scored.in_one_step
        alone = [teacher._logprob(scored.shared, rest) for rest in scored.rests]
        (found,) = [c for c in teacher.complete([prompt]) if not isinstance(c, Idle)]
    assert list((found.label_scores or {}).values()) == pytest.approx(alone, abs=1e-3)
