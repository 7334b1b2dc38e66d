"""How long answers may be by default."""

from pathlib import Path
from typing import Any

import pytest

from dsbs.teachers.chat_template import model_text, without_system
from dsbs.teachers.new_tokens import PLAIN, WITH_TRACE, default_new_tokens
from dsbs.teachers.protocol import EngineOptions, Prompt, Sampling, ServerOptions

PLAIN_CHAT = (
    "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
HYBRID = (
    PLAIN_CHAT + "{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}"
)
OPENED = PLAIN_CHAT + "<think>\n"
HARMONY = PLAIN_CHAT.replace("[assistant]", "<|channel|>analysis<|message|>")


def model(folder: Path, template: str | None) -> EngineOptions:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "<unk>": 1}, "<unk>"))
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    return EngineOptions(str(folder))


@pytest.mark.parametrize(
    ("template", "extra", "limit"),
    [
        (None, "{}", PLAIN),
        (PLAIN_CHAT, "{}", PLAIN),
        (HYBRID, "{}", WITH_TRACE),
        (OPENED, "{}", WITH_TRACE),
        (HARMONY, "{}", WITH_TRACE),
        (HYBRID, '{"chat_template_kwargs": {"enable_thinking": false}}', PLAIN),
        (HYBRID, '{"chat_template_kwargs": {"enable_thinking": true}}', WITH_TRACE),
        (PLAIN_CHAT + "<think></think>\n", "{}", PLAIN),
    ],
)
def test_a_model_that_runs_here_is_known_by_its_chat_template(
    tmp_path: Path, template: str | None, extra: str, limit: int
) -> None:
    found = default_new_tokens("transformers", model(tmp_path, template), extra)
    assert (found.limit, found.reasons) == (limit, limit == WITH_TRACE)
    assert found.why


@pytest.mark.parametrize(
    ("extra", "limit", "seen"),
    [
        ("{}", PLAIN, False),
        ('{"reasoning_effort": "high"}', WITH_TRACE, True),
        ('{"reasoning_effort": "none"}', PLAIN, True),
        ('{"reasoning": {"enabled": false}}', PLAIN, True),
        ('{"reasoning": {"effort": "low"}}', WITH_TRACE, True),
        ('{"thinking": {"type": "enabled", "budget_tokens": 1000}}', WITH_TRACE, True),
        ('{"thinking": {"type": "disabled"}}', PLAIN, True),
        ('{"chat_template_kwargs": {"thinking": true}}', WITH_TRACE, True),
        ('{"top_k": 5}', PLAIN, False),
    ],
)
def test_of_a_server_only_the_request_is_known(extra: str, limit: int, seen: bool) -> None:
    found = default_new_tokens("endpoint", EngineOptions("m"), extra)
    assert (found.limit, found.seen) == (limit, seen)


def test_text_that_is_continued_has_no_trace_and_a_short_context_bounds_it(tmp_path: Path) -> None:
    hybrid = model(tmp_path, HYBRID)
    folder = hybrid.model
    text = EngineOptions(folder, api="completions")
    assert default_new_tokens("vllm", text, "{}").limit == PLAIN
    short = EngineOptions(folder, max_model_len=2000)
    assert default_new_tokens("vllm", short, "{}").limit == 1000
    served = EngineOptions(folder, server=ServerOptions())
    assert default_new_tokens("endpoint", served, "{}").limit == WITH_TRACE


MESSAGES = (
    {"role": "system", "content": "End with a label."},
    {"role": "user", "content": "Q1"},
    {"role": "assistant", "content": "A1"},
    {"role": "user", "content": "Q2"},
)
REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
LEAVES_OUT = PLAIN_CHAT.replace("%}[{{", "%}{% if m.role != 'system' %}[{{").replace(
    "\n{% endfor", "\n{% endif %}{% endfor"
)


@pytest.mark.parametrize("template", [REFUSES + PLAIN_CHAT, LEAVES_OUT])
def test_a_template_without_system_messages_gets_it_in_the_first_question(
    tmp_path: Path, template: str
) -> None:
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(model(tmp_path, template).model)
    text = model_text(Prompt("x", messages=MESSAGES), tokenizer, Sampling())
    assert text.startswith("[user] End with a label.\n\nQ1\n[assistant] A1\n[user] Q2")
    assert without_system(MESSAGES[1:]) == [dict(message) for message in MESSAGES[1:]]
