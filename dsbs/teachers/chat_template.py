"""Prompts as the text that a model reads, for engines that run the model here."""

import json
from typing import Any

from dsbs.teachers.protocol import Api, Prompt, Sampling


def wants_chat(api: Api, tokenizer: Any) -> bool:
    """Whether a model is asked in chat: always, never, or where its tokenizer has a template."""
    template = getattr(tokenizer, "chat_template", None)
    return api == "chat" or (api == "auto" and template is not None)


def model_text(prompt: Prompt, tokenizer: Any, sampling: Sampling) -> str:
    """The text of a prompt; messages are written in the chat template of the tokenizer."""
    if not prompt.messages:
        return prompt.text
    extra = json.loads(sampling.extra).get("chat_template_kwargs", {})
    text: str = tokenizer.apply_chat_template(
        [dict(message) for message in prompt.messages],
        tokenize=False,
        add_generation_prompt=True,
        **extra,
    )
    return text
