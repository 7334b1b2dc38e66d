"""Why an answer ended, in one set of words. Servers have many."""

from dsbs.data.values import whole_text

_WORDS = {
    "length": "max_tokens max_output_tokens max_new_tokens max_length model_length token_limit "
    "max_tokens_reached model_context_window_exceeded",
    "stop": "end_turn stop_sequence eos eos_token complete completed finished",
    "content_filter": "safety refusal content_filtered prohibited_content blocked blocklist "
    "recitation guardrail_intervened",
    "tool_calls": "tool_use function_call",
}
_STANDARD = {other: name for name, others in _WORDS.items() for other in [name, *others.split()]}


def finish_reason(stated: object) -> str | None:
    """One of `length`, `stop`, `content_filter` and `tool_calls` where it is meant, else as stated.

    None for anything but a text.
    """
    if not isinstance(stated, str) or not stated:
        return None
    return _STANDARD.get(stated.lower().replace("-", "_"), whole_text(stated))
