"""The statements of a text that are the teacher's answer: announced, boxed, or a line alone."""

import re
from collections.abc import Sequence

from dsbs.tasks.label_keys import fold, key
from dsbs.tasks.labels import match_label
from dsbs.tasks.markers import Statement, find_statements
from dsbs.tasks.task import Task
from dsbs.tasks.undress import characters, closing_brace, undress

_MAX_STATEMENT = 600
_MAX_LINES = 200
_MAX_BOXES = 20
_LETTERS = re.compile(r"[^\W\d_]")
_QUOTES = frozenset("\"'“‘«„")
BLANK = " .*_`\n"
"""Characters of which a statement that holds nothing may consist."""
_BOXED = re.compile(r"(?:\\[\[(]\s*|\$+\s*)?\\boxed\s*\{|<answer>", re.IGNORECASE)


def own_statements(
    task: Task, text: str, asked: str, allowed: Sequence[str], *, cut_off: bool
) -> list[Statement]:
    """Every place where a text states its answer, in order.

    Args:
        task: the task, with its markers.
        text: the part of a completion that answers.
        asked: the example's input, whose repetition is no statement.
        allowed: the labels that the example may have.
        cut_off: whether the text might have gone on, so that its last line is no answer.
    """
    statements = find_statements(task.answer.marker, text)
    if not statements and not cut_off:
        statements = _unannounced(task, text, allowed)
    return _without_quotations(statements, text, asked)


def beside_json(task: Task, parts: Sequence[str], asked: str) -> list[Statement]:
    """What the text around an answer in JSON, and its rationale, state beside it."""
    beside = [s for part in parts for s in find_statements(task.answer.marker, part)]
    asked = fold(asked)
    return [s for s in beside if s.text.strip() and not _is_quotation(s, asked)]


def _unannounced(task: Task, text: str, allowed: Sequence[str]) -> list[Statement]:
    """An answer without any marker.

    It is in a box, or it is the one line that is a label and nothing else. For an equation it is
    the whole text, because a line of arithmetic may be a step.
    """
    if boxes := list(_BOXED.finditer(text))[-_MAX_BOXES:]:
        last = boxes[-1].start()
        earlier = [Statement(box.start(), "boxed", _content(box, text)) for box in boxes[:-1]]
        return [*earlier, Statement(last, "boxed", text[last : last + _MAX_STATEMENT])]
    lines = text.splitlines(keepends=True)
    if "{" in text or len(lines) > _MAX_LINES:
        return []
    if task.label.kind == "equation":
        only = len(text) < _MAX_STATEMENT and not _LETTERS.search(undress(text))
        return [Statement(0, "line", text)] if only and text.strip(BLANK) else []
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


def _content(box: re.Match[str], text: str) -> str:
    """What a box holds, without what stands behind it."""
    text = text[box.end() : box.end() + _MAX_STATEMENT]
    return text[: closing_brace(text, 0)] if box[0].endswith("{") else text.partition("<")[0]


def _is_label(task: Task, line: str, allowed: Sequence[str]) -> bool:
    if not line.strip():
        return False
    matched = match_label(task.label.kind, line, allowed)
    if matched.label is None or matched.reason:
        return False
    return not matched.text or key(matched.text) == key(matched.label)


def _without_quotations(statements: list[Statement], text: str, asked: str) -> list[Statement]:
    """The statements that are the teacher's own: not in quotes, and no repetition of the input."""
    own = [s for s in statements if not _is_quoted(s, text)]
    if len(own) > 1:
        asked = fold(asked)
        own = [s for s in own if not _is_quotation(s, asked)] or own
    return own


def _is_quoted(statement: Statement, text: str) -> bool:
    """Whether quotes inside the text, not around all of it, hold the statement."""
    before = text[statement.start - 1 : statement.start]
    if before not in _QUOTES:
        return False
    closes = characters(before) in characters(statement.text)
    return closes and bool(text[: statement.start - 1].strip())


def _is_quotation(statement: Statement, asked: str) -> bool:
    """Whether the statement's sentence stands in the (folded) input."""
    sentence = re.split(r"(?<=\w)[.!?\"”](?=\s|$)|\n", statement.text, maxsplit=1)[0]
    return bool(sentence.strip()) and fold(f"{statement.marker}{sentence}") in asked
