"""Why an answer ended: in OpenAI's words, whichever words the server has."""

from dsbs.data.values import whole_text

_WORDS = {
    "length": "max_tokens max_output_tokens max_new_tokens max_length model_length token_limit "
    "max_tokens_reached model_context_window_exceeded",
    "stop": "end_turn stop_sequence eos eos_token complete completed finished",
    "content_filter": "safety refusal content_filtered prohibited_content blocked blocklist "
    "recitation spii guardrail_intervened",
    "tool_calls": "tool_call tool_use function_call",
    "error": "abort cancelled",
}
_STANDARD = {other: name for name, others in _WORDS.items() for other in [name, *others.split()]}

EXPLAINS_EMPTY = frozenset({"length", "content_filter", "tool_calls"})
"""Reasons with which an empty text is an answer."""

BROKEN_OFF = "error"
"""The reason of a text that the server could not finish."""


def finish_reason(stated: object) -> str | None:
    """OpenAI's word for a reason; one that has no such word stays as it is.

    None for anything but a text.
    """
    if not isinstance(stated, str) or not stated:
        return None
    return _STANDARD.get(stated.lower().replace("-", "_"), whole_text(stated))
