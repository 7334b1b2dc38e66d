"""Reasoning traces that models write into their text, and the answers behind them."""

import re
from typing import NamedTuple

# Tags that open and close a trace, with the models that write them. A new model is a new line.
_TAGS = (
    # <think>: DeepSeek, Qwen, GLM, Nemotron, OLMo, Phi; <longcat_think>, <thought_process>, ...
    (
        r"<(?:\w{1,20}_)?(?:think(?:ing)?|thoughts?|monologue|cot)(?:_\w{1,20})?>",
        r"</(?:\w{1,20}_)?(?:think(?:ing)?|thoughts?|monologue|cot)(?:_\w{1,20})?>",
    ),
    ("<think:[^<>]*>", "</think:[^<>]*>"),  # Hunyuan 4
    ("<reasoning(?:_process)?>", "</reasoning(?:_process)?>"),
    ("<reflection>", "</reflection>"),
    ("<scratch_?pad>", "</scratch_?pad>"),
    ("<analysis>", "</analysis>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<mm:think>", "</mm:think>"),  # MiniMax-M3
    (r"<ifm\|think\w*>", r"</ifm\|think\w*>"),  # K2
    (r"\[THINK\]", r"\[/THINK\]"),  # Mistral
    ("◁think▷", "◁/think▷"),  # Kimi
    (r"<\|open\|>\s*think\s*<\|sep\|>", r"<\|close\|>\s*think\s*<\|sep\|>"),  # Kimi K3
    (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Command A
    (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
    (r"<\|inner_prefix\|>", r"<\|inner_suffix\|>"),  # Apertus
    (r"<\|plamo:begin_think:plamo\|>", r"<\|plamo:end_think:plamo\|>"),
    (r"<\|channel>\s*thought\b", r"<channel\|>"),  # Gemma 4
    (r"<unused94>\s*thought\b", r"<unused95>"),  # MedGemma
    (r"\A\s*Here are my reasoning steps:?", r"\[BEGIN FINAL RESPONSE\]"),  # Apriel
    (r"<\|channel\|>\s*(?:analysis|commentary)\b[^<]*(?:<\|message\|>)?",  # gpt-oss
     r"(?:<\|end\|>\s*)?(?:<\|start\|>\s*assistant\s*)?<\|channel\|>\s*final\b[^<]*<\|message\|>"),
    # gpt-oss after its special tokens were dropped: "analysisWe need ... assistantfinalThe ..."
    (
        r"\A\s*(?:assistant)?analysis(?=[A-Z\"'(])",
        r"assistant\s*(?:commentary[^\n]*)?final(?=\W|[A-Z])",
    ),
    (r"\A\s*Here(?:'|’)?(?: i)?s my thought process:",  # Granite
     r"Here(?:'|’)?(?: i)?s my response:"),
)  # fmt: skip
_OPEN = re.compile("|".join(f"({opens})" for opens, _ in _TAGS), re.IGNORECASE)
_CLOSE = [re.compile(closes, re.IGNORECASE) for _, closes in _TAGS]
_FIRST = ("a", "A", "h", "H")
_PLAIN_WORDS = {at for at, (opens, _) in enumerate(_TAGS) if "Here" in opens}
"""Openings that are ordinary sentences, which open no trace where nothing closes it."""
_ANY_CLOSE = re.compile("|".join(closes for _, closes in _TAGS[:-2]), re.IGNORECASE)
"""What closes a trace that was opened in the prompt: the tags, not the plain words."""

_ANY_TAG = re.compile("|".join(f"{opens}|{closes}" for opens, closes in _TAGS[:-2]), re.IGNORECASE)


class Reasoned(NamedTuple):
    """A completion's trace and the text behind it."""

    trace: str
    answer: str


def split_reasoning(text: str) -> Reasoned:
    """The trace within a completion, and the answer without it.

    A trace may open anywhere. Its opening tag may be missing, because some chat templates write it
    into the prompt. A trace that does not end leaves no answer.

    >>> split_reasoning("<think>2 + 2</think>The answer is 4.")
    Reasoned(trace='2 + 2', answer='The answer is 4.')
    """
    if not may_hold_a_trace(text):
        return Reasoned("", text)
    traces: list[str] = []
    answer = ""
    at = 0
    while opening := _OPEN.search(text, at):
        tag = (opening.lastindex or 1) - 1
        closing = _CLOSE[tag].search(text, opening.end())
        if closing is None and tag in _PLAIN_WORDS:
            break
        answer += text[at : opening.start()]
        if closing is None:
            return Reasoned(_joined([*traces, answer, text[opening.end() :]]), "")
        traces.append(text[opening.end() : closing.start()])
        at = closing.end()
    answer += text[at:]
    if closings := list(_ANY_CLOSE.finditer(answer)):
        traces.insert(0, _ANY_CLOSE.sub(" ", answer[: closings[-1].start()]))
        answer = answer[closings[-1].end() :]
    return Reasoned(_joined(traces), answer)


def names_a_trace(template: str) -> bool:
    """Whether a chat template has the tags of a trace somewhere."""
    return bool(_ANY_TAG.search(template))


def trace_is_closed(prompt: str) -> bool:
    """Whether a prompt ends in the closing tag of a trace, so that the answer follows at once."""
    closings = list(_ANY_CLOSE.finditer(prompt))
    return bool(closings) and not prompt[closings[-1].end() :].strip()


def may_hold_a_trace(text: str) -> bool:
    """A quick look, because most texts hold none."""
    if "<" in text or "[" in text or "◁" in text:
        return True
    start = text[:40].lstrip()
    return start[:1] in _FIRST and start.lower().startswith(("analysis", "assistant", "here"))


def _joined(traces: list[str]) -> str:
    return "\n".join(stripped for trace in traces if (stripped := trace.strip()))
