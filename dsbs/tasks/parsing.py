"""From a teacher's completion to an Answer. A text has exactly one outcome; nothing raises."""

import re
from collections.abc import Sequence

from dsbs.core.records import Answer, Completion, Example, Outcome
from dsbs.tasks.closed_sets import Matched
from dsbs.tasks.json_answers import JsonAnswer, find_json_answers
from dsbs.tasks.label_keys import fold, key
from dsbs.tasks.labels import match_label, meaning, published_label, same_label
from dsbs.tasks.markers import Statement, find_statements
from dsbs.tasks.task import Task
from dsbs.tasks.traces import may_hold_a_trace, split_reasoning
from dsbs.tasks.undress import characters, cut_at_end_token, undress

_REFUSAL = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I must decline|as an AI\b"
    r"|I (?:can(?:no|')t|can not|won't|will not)"
    r" (?:help|assist|answer|provide|comply|fulfill|discuss|engage|respond))",
    re.IGNORECASE,
)
_MAX_STATEMENT = 600
_CONNECTIVES = (
    "so",
    "thus",
    "therefore",
    "hence",
    "the",
    "my",
    "our",
    "your",
    "correct",
    "right",
    "best",
    ",",
)
_DANGLING_WORDS = re.compile(
    r"(?:\A|(?<=[.!?\n]))\s*(?:(?:(?:and|so|thus|therefore|hence|the|my|our|your|correct|right"
    r"|best)"
    r"\b,?\s*)+|[^.!?\n]{0,60},)\s*\Z",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"[\s*#_>`]*(?:reasoning|rationale|explanation)s?[*_ ]*:[*_\s]*", re.IGNORECASE
)
_LETTERS = re.compile(r"[^\W\d_]")
_DANGLING_MARKS = re.compile(r"[\s*_#>`-]*[*_#>`][\s*_#>`-]*\Z|\s-+\Z")
_OPEN_FENCE = re.compile(r"```\w*\s*\Z")
_QUOTES = tuple("\"'“‘«„")
_BLANK = " .*_`\n"
_MAX_LINES = 200
_BOXED = re.compile(r"(?:\\[\[(]\s*|\$+\s*)?\\boxed\s*\{|<answer>", re.IGNORECASE)


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
    found = find_json_answers(text) if "{" in text else []
    if found:
        return _parse_json(task, example, text, found)
    cut_off = completion.finish_reason == "length" and completion.text.endswith(text)
    allowed = task.allowed(example.choices)
    statements = find_statements(task.answer.marker, text)
    if not statements and not cut_off:
        statements = _unannounced(task, text, allowed)
    statements = _without_quotations(statements, text, example.input)
    if not "".join([s.text for s in statements]).strip(_BLANK):
        return Answer(example.id, _no_label(completion, text, cut_off=cut_off))
    matched, chosen = _decide(task, statements, allowed)
    if cut_off and _may_go_on(task, matched, chosen.text, allowed):
        return Answer(example.id, "cut_off")
    return _judged(example, _rationale(text, statements, chosen), matched)


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


def cap_words(rationale: str, limit: int | None) -> str:
    """The first whole sentences of at most `limit` words, or the first words of a long sentence."""
    words = rationale.split()
    if limit is None or len(words) <= limit:
        return rationale
    kept = " ".join(words[:limit])
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", kept)]
    return kept[: ends[-1]] if ends else kept


def _unannounced(task: Task, text: str, allowed: Sequence[str]) -> list[Statement]:
    """An answer without any marker.

    It is the last box, or the one line that is a label and nothing else. For an equation it is the
    whole text, because a line of arithmetic may be a step.
    """
    boxes = list(_BOXED.finditer(text))
    if boxes:
        return [Statement(boxes[-1].start(), "boxed", text[boxes[-1].start() :][:_MAX_STATEMENT])]
    lines = text.splitlines(keepends=True)
    if "{" in text or len(lines) > _MAX_LINES:
        return []
    if task.label.kind == "equation":
        only = len(text) < _MAX_STATEMENT and not _LETTERS.search(undress(text))
        return [Statement(0, "line", text)] if only and text.strip(_BLANK) else []
    labels = []
    at = 0
    for line in lines if allowed else ():
        if len(line) < 200 and _is_label(task, line, allowed):
            labels.append(Statement(at, "line", line))
        at += len(line)
    if len(labels) != 1:
        return []
    before = text[: labels[0].start]
    behind = text[len(before) + len(labels[0].text) :]
    return labels if not before.strip() or not behind.strip() else []


def _is_label(task: Task, line: str, allowed: Sequence[str]) -> bool:
    if not line.strip():
        return False
    matched = match_label(task.label.kind, line, allowed)
    if matched.label is None or matched.reason:
        return False
    return matched.match == "letter" or key(matched.text) == key(matched.label)


def _without_quotations(statements: list[Statement], text: str, asked: str) -> list[Statement]:
    """The statements that are the teacher's own: not in quotes, and no repetition of the input."""
    own = statements
    if [s for s in statements if text[s.start - 1 : s.start] in _QUOTES]:
        own = [s for s in statements if not _is_quoted(s, text)]
    if len(own) > 1:
        asked = fold(asked)
        own = [s for s in own if not _is_quotation(s, asked)] or own
    return own


def _is_quoted(statement: Statement, text: str) -> bool:
    """Whether quotes inside the text, not around all of it, hold the statement."""
    before = text[max(0, statement.start - 1) : statement.start]
    if before not in _QUOTES:
        return False
    closes = characters(before) in characters(statement.text)
    return closes and bool(text[: statement.start - 1].strip())


def _is_quotation(statement: Statement, asked: str) -> bool:
    """Whether the statement's sentence stands in the (folded) input."""
    sentence = re.split(r"(?<=\w)[.!?\"”](?=\s|$)|\n", statement.text, maxsplit=1)[0]
    return bool(sentence.strip()) and fold(f"{statement.marker}{sentence}") in asked


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


def _rationale(text: str, statements: Sequence[Statement], chosen: Statement) -> str | None:
    """The text before the answer; between two statements of it where nothing stands before both."""
    before = _clean(text[: chosen.start])
    if not before and len(statements) > 1:
        stated = re.split(r"\n|(?<=[.!])\s", text[chosen.start : statements[-1].start], maxsplit=1)
        before = _clean(stated[-1]) if len(stated) > 1 else ""
    return before or None


def _clean(rationale: str) -> str:
    """A rationale without the marks and the "So," that belonged to the marker behind it."""
    rationale = rationale.strip()
    if rationale[-1:] in "*_#>`-":
        rationale = _DANGLING_MARKS.sub("", rationale).rstrip()
    if rationale[-12:].lower().endswith(_CONNECTIVES):
        rationale = _DANGLING_WORDS.sub("", rationale).rstrip()
    if ":" in rationale[:20] and (start := _HEADING.match(rationale)):
        rationale = rationale[start.end() :]
    return rationale


def _parse_json(task: Task, example: Example, text: str, found: Sequence[JsonAnswer]) -> Answer:
    """An answer in JSON, and whatever the text around it and its rationale state beside it."""
    around = text
    for answer in reversed(found):
        around = f"{around[: answer.start]}\n{around[answer.end :]}"
    rationale = found[-1].rationale.strip()
    beside = [s for part in (around, rationale) for s in find_statements(task.answer.marker, part)]
    beside = [s for s in beside if s.text.strip() and not _is_quotation(s, fold(example.input))]
    statements = [*beside, *(Statement(answer.start, "json", answer.label) for answer in found)]
    matched, _ = _decide(task, statements, task.allowed(example.choices))
    if not rationale:
        before = _clean(_OPEN_FENCE.sub("", text[: found[0].start]))
        rationale = before if before.endswith((".", "!")) else ""
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
    if task.label.kind in ("equation", "text"):
        return not stated.rstrip().endswith(").")
    label = key(matched.label)
    return any(key(other).startswith(label) and key(other) != label for other in allowed)


def _judged(example: Example, rationale: str | None, matched: Matched) -> Answer:
    if matched.label is None or matched.reason:
        return Answer(
            example.id,
            "label_not_allowed",
            rationale,
            matched.label,
            matched.match,
            reason=matched.reason,
        )
    outcome: Outcome = "ok" if rationale else "empty_rationale"
    return Answer(example.id, outcome, rationale, matched.label, matched.match)
