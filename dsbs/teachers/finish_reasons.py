"""Why an answer ended: in OpenAI's words, whichever words the server has."""

from collections.abc import Mapping

_SAME: Mapping[str, tuple[str, ...]] = {
    "stop": ("end_turn", "stop_sequence", "eos", "eos_token"),
    "length": (
        "max_tokens",
        "max_length",
        "max_output_tokens",
        "model_length",
        "model_context_window_exceeded",
    ),
    "content_filter": (
        "content_filtered",
        "safety",
        "refusal",
        "recitation",
        "blocklist",
        "prohibited_content",
        "spii",
        "guardrail_intervened",
    ),
    "tool_calls": ("tool_call", "tool_use", "function_call"),
    "error": ("abort", "cancelled"),
}
_IN_OPENAI_WORDS = {name: word for word, names in _SAME.items() for name in names}

EXPLAINS_EMPTY = frozenset({"length", "content_filter", "tool_calls"})
"""Reasons with which an empty text is an answer."""

BROKEN_OFF = "error"
"""The reason of a text that the server could not finish."""


def finish_reason(stated: str | None) -> str | None:
    """The reason in OpenAI's words; one that has no such word stays as it is."""
    if stated is None:
        return None
    name = stated.lower()
    return name if name in _SAME else _IN_OPENAI_WORDS.get(name, stated)
