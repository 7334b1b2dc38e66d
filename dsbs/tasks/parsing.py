"""From a teacher's completion to an Answer. A text has exactly one outcome; nothing raises."""

import re
from collections.abc import Sequence

from dsbs.core.records import Answer, Completion, Example, Outcome
from dsbs.tasks.closed_sets import Matched, read_at_a_glance
from dsbs.tasks.json_answers import JsonAnswer, find_json_answers
from dsbs.tasks.label_keys import is_number, key
from dsbs.tasks.labels import match_label, meaning, published_label, same_label
from dsbs.tasks.markers import Statement, last_statement
from dsbs.tasks.rationales import before_json, clean, rationale_of
from dsbs.tasks.statements import BLANK, beside_json, own_statements
from dsbs.tasks.task import Task
from dsbs.tasks.traces import may_hold_a_trace, split_reasoning
from dsbs.tasks.undress import characters, cut_at_end_token

_REFUSAL = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I must decline|as an AI\b"
    r"|I (?:can(?:no|')t|can not|won't|will not)"
    r" (?:help|assist|answer|provide|comply|fulfill|discuss|engage|respond))",
    re.IGNORECASE,
)


def answer_part(task: Task, text: str) -> str:
    """The part of a completion that answers: no trace, and nothing that was written afterwards."""
    answer = split_reasoning(text).answer if may_hold_a_trace(text) else text
    for end in task.answer.ends:
        answer = answer.partition(end)[0]
    return cut_at_end_token(answer)


def parse_answer(task: Task, example: Example, completion: Completion) -> Answer:
    """Read one completion. The outcome says which parts are usable; see `Answer`."""
    if completion.error is not None:
        return Answer(example.id, "failed")
    text = answer_part(task, completion.text)
    if completion.finish_reason != "length" and (plain := _plain_answer(task, example, text)):
        return plain
    found = find_json_answers(text) if "{" in text else []
    if found:
        return _parse_json(task, example, text, found)
    cut_off = completion.finish_reason == "length" and completion.text.endswith(text)
    allowed = task.allowed(example.choices)
    statements = own_statements(task, text, example.input, allowed, cut_off=cut_off)
    if not any(statement.text.strip(BLANK) for statement in statements):
        return Answer(example.id, _no_label(completion, text, cut_off=cut_off))
    matched, chosen = _decide(task, statements, allowed)
    if cut_off and _may_go_on(task, matched, chosen.text, allowed):
        return Answer(example.id, "cut_off")
    return _judged(example, rationale_of(text, statements, chosen), matched)


def _plain_answer(task: Task, example: Example, text: str) -> Answer | None:
    """What the rest of this module would read in an answer that ends just as it was asked for.

    None for any other answer.
    """
    allowed = task.allowed(example.choices)
    if not allowed or "{" in text or not (last := last_statement(task.answer.marker, text)):
        return None
    lettered = task.label.kind == "choice"
    matched = read_at_a_glance(last.text.strip(), allowed, lettered=lettered)
    return matched and _judged(example, clean(text[: last.start]) or None, matched)


def correct(task: Task, example: Example, answer: Answer) -> bool:
    """Whether the answer's label is the example's gold label, by the project's own reading."""
    return same_label(task.label.kind, answer.label, example.gold)


def correct_as_published(task: Task, example: Example, completion: Completion) -> bool:
    """The same by the rule of the code of Hsieh et al. 2023.

    The label is what stands behind the last marker, which must be written exactly. It is compared
    by exact text for choices and classes, by value for equations.
    """
    if example.gold is None or completion.error is not None:
        return False
    text = split_reasoning(completion.text).answer
    ends = [at for end in task.answer.ends if (at := text.find(end)) >= 0]
    answer = text[: min(ends)] if ends else text
    _, marker, stated = answer.rpartition(task.answer.marker[0])
    if not marker:
        return False
    label = published_label(task.label.kind, stated.strip())
    if task.label.kind == "equation":
        return same_label("equation", label, example.gold)
    return label == example.gold


def _decide(
    task: Task, statements: Sequence[Statement], allowed: Sequence[str]
) -> tuple[Matched, Statement]:
    """The label of all statements together, and the first one that states it."""
    kind = task.label.kind
    if len(statements) == 1:
        return match_label(kind, statements[0].text, allowed), statements[0]
    read = [(match_label(kind, s.text, allowed), s) for s in statements]
    clear = [(m, s) for m, s in read if m.label is not None and m.reason is None]
    if not clear:
        return next(
            ((m, s) for m, s in reversed(read) if m.label is not None or m.reason), read[-1]
        )
    if len({meaning(kind, m.label or "") for m, _ in clear}) > 1:
        return Matched(None, "none", clear[-1][1].text, "ambiguous"), clear[0][1]
    last = read.index(clear[-1])
    for matched, statement in read[last + 1 :]:
        if matched.reason or statement.marker.lower() in ("json", clear[-1][1].marker.lower()):
            return matched._replace(label=None, match="none"), clear[0][1]
    if kind == "equation":
        return max(clear, key=lambda pair: len((pair[0].label or "").split()))[0], clear[0][1]
    return clear[-1][0], clear[0][1]


def _parse_json(task: Task, example: Example, text: str, found: Sequence[JsonAnswer]) -> Answer:
    """An answer in JSON, and whatever the text around it and its rationale state beside it."""
    around = text
    for start, end in sorted({(answer.start, answer.end) for answer in found}, reverse=True):
        around = f"{around[:start]}\n{around[end:]}"
    rationale = found[-1].rationale
    beside = beside_json(task, (around, rationale), example.input)
    statements = [*beside, *(Statement(answer.start, "json", answer.label) for answer in found)]
    matched, _ = _decide(task, statements, task.allowed(example.choices))
    rationale = rationale or before_json(text[: found[0].start])
    return _judged(example, rationale or None, matched)


def _no_label(completion: Completion, text: str, *, cut_off: bool) -> Outcome:
    if completion.finish_reason == "content_filter" or _REFUSAL.search(characters(text)):
        return "refused"
    return "cut_off" if cut_off else "no_label"


def _may_go_on(task: Task, matched: Matched, stated: str, allowed: Sequence[str]) -> bool:
    """Whether a text that was cut off might have gone on with its label."""
    if matched.label is None or matched.match == "letter":
        return True
    if re.search(r"[.!]\s+\S|\n", stated.strip()):
        return False
    if is_number(matched.label) and re.search(r"\d[.,:]?\Z", stated.strip()):
        return True
    if task.label.kind in ("equation", "text"):
        return not stated.rstrip().endswith(").")
    label = key(matched.label)
    return any(key(other).startswith(label) and key(other) != label for other in allowed)


def _judged(example: Example, rationale: str | None, matched: Matched) -> Answer:
    outcome: Outcome = "ok" if rationale else "empty_rationale"
    if matched.label is None or matched.reason:
        outcome = "label_not_allowed"
    label, match, reason = matched.label, matched.match, matched.reason
    return Answer(example.id, outcome, rationale, label, match, reason=reason)
