"""Prompts as the text that a model reads, for engines that run the model here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dsbs.core.errors import InputError
from dsbs.teachers.protocol import Api, EngineOptions, Message, Prompt, Sampling


def load_tokenizer(options: EngineOptions) -> Any:
    """The tokenizer of a model, without its weights. Raises InputError."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(options.model, revision=options.revision)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--teacher {options.model}",
            got=str(error).splitlines()[0],
            expected="a model",
            fix="check name and network",
        ) from None


def wants_chat(api: Api, tokenizer: Any) -> bool:
    """Whether a model is asked in chat: always, never, or where its tokenizer has a template."""
    template = getattr(tokenizer, "chat_template", None)
    return api == "chat" or (api == "auto" and template is not None)


def model_text(prompt: Prompt, tokenizer: Any, sampling: Sampling) -> str:
    """The text of a prompt; messages are written in the chat template of the tokenizer.

    Some templates refuse a system message, and some leave it out. Then it stands before the first
    question.
    """
    from jinja2 import TemplateError

    if not prompt.messages:
        return prompt.text
    extra = json.loads(sampling.extra).get("chat_template_kwargs", {})
    system = prompt.messages[0]["content"] if prompt.messages[0]["role"] == "system" else ""
    try:
        text = _written(prompt.messages, tokenizer, extra)
        if system.strip() in text:
            return text
    except TemplateError:
        if not system:
            raise
    return _written(without_system(prompt.messages), tokenizer, extra)


def without_system(messages: Sequence[Message]) -> list[dict[str, str]]:
    """The same messages, with a system message at the beginning of the first question."""
    turns = [dict(message) for message in messages]
    if len(turns) > 1 and turns[0]["role"] == "system":
        system = turns.pop(0)["content"]
        turns[0]["content"] = f"{system}\n\n{turns[0]['content']}"
    return turns


def _written(messages: Sequence[Message], tokenizer: Any, extra: Mapping[str, Any]) -> str:
    text: str = tokenizer.apply_chat_template(
        [dict(message) for message in messages],
        tokenize=False,
        add_generation_prompt=True,
        **extra,
    )
    return text
