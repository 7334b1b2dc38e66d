"""How long an answer may be where nobody has said so: longer for a model that reasons first."""

import importlib.util
import json
from typing import Any, NamedTuple

from dsbs.tasks.traces import names_a_trace, trace_is_closed
from dsbs.teachers.chat_template import load_tokenizer, wants_chat
from dsbs.teachers.protocol import Engine, EngineOptions

PLAIN = 256
"""Tokens of a short rationale and a label, with room."""

WITH_TRACE = 4096
"""The same behind a reasoning trace."""

_OFF = ("none", "disabled", "off", "false", "False", False)
_SWITCHES = ("reasoning_effort", "reasoning", "thinking", "enable_thinking")
"""Fields of a request that turn reasoning on or off, at OpenAI, OpenRouter, DeepSeek, Qwen and in
the chat templates of open models."""


class NewTokens(NamedTuple):
    """Most tokens of an answer, and where the number comes from."""

    limit: int
    why: str
    reasons: bool = False
    """Whether it has room for a reasoning trace."""
    seen: bool = True
    """Whether it is known what the model does; that of a server is not."""


def default_new_tokens(engine: Engine, options: EngineOptions, extra: str) -> NewTokens:
    """The default of --max-new-tokens for a model.

    There is room for a trace where the request turns reasoning on, and where the chat template
    of a model that runs here names the tags of a trace and does not close one itself. The template
    of a model on a server is not seen.

    Args:
        engine: What runs or reaches the model.
        options: The model.
        extra: JSON that is sent with every request.

    Raises:
        InputError: A model that is to run here cannot be loaded.
    """
    asked = _switch(json.loads(extra))
    if asked is not None:
        why = "on" if asked else "off"
        return _limit(options, f"--extra-body turns reasoning {why}", reasons=asked)
    if options.api == "completions":
        return _limit(options, "the model continues text", reasons=False)
    served = engine == "endpoint"
    if served and (options.server is None or importlib.util.find_spec("transformers") is None):
        why = f"give --max-new-tokens {WITH_TRACE} if the model reasons before it answers"
        return NewTokens(PLAIN, why, seen=False)
    tokenizer = load_tokenizer(options)
    if not wants_chat(options.api, tokenizer):
        return _limit(options, "the model continues text", reasons=False)
    if _opens_a_trace(tokenizer, json.loads(extra)):
        why = f"the chat template of {options.model} has reasoning traces"
        return _limit(options, why, reasons=True)
    return _limit(options, "the chat template has no reasoning traces", reasons=False)


def _limit(options: EngineOptions, why: str, *, reasons: bool) -> NewTokens:
    limit = WITH_TRACE if reasons else PLAIN
    if reasons and options.max_model_len is not None:
        limit = max(PLAIN, min(limit, options.max_model_len // 2))
    return NewTokens(limit, why, reasons)


def _switch(body: Any) -> bool | None:
    """Whether the body of a request turns reasoning on or off; None where it says nothing."""
    if not isinstance(body, dict):
        return None
    for name in _SWITCHES:
        if name in body:
            stated = body[name]
            if isinstance(stated, dict):
                inner = stated.get("type", stated.get("enabled", stated.get("effort", True)))
                return inner not in _OFF
            return stated not in _OFF
    return _switch(body.get("chat_template_kwargs"))


def _opens_a_trace(tokenizer: Any, extra: dict[str, Any]) -> bool:
    from jinja2 import TemplateError

    template = tokenizer.chat_template
    text = json.dumps(template, ensure_ascii=False) if isinstance(template, dict) else str(template)
    if not names_a_trace(text):
        return False
    try:
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": "?"}],
            tokenize=False,
            add_generation_prompt=True,
            **extra.get("chat_template_kwargs", {}),
        )
    except (TemplateError, TypeError, ValueError):
        return True
    return not trace_is_closed(prompt)
