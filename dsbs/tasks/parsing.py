"""From what a teacher said to an Answer. Any string ends in exactly one outcome; nothing here raises."""

import json
import re
from typing import NamedTuple

from dsbs.core.records import Answer, Completion, Example
from dsbs.tasks.labels import Matched, match_label, published_label, same_label
from dsbs.tasks.task import Task

_REFUSAL = re.compile(
    r"\b(I(?:'m| am) (?:sorry|unable|not able)|I (?:can(?:no|')t|won't) (?:help|assist|answer|provide)|as an AI\b)",
    re.IGNORECASE,
)


class Stated(NamedTuple):
    """A completion cut at the end of its answer and split at the marker; `label` is None without a marker."""

    rationale: str
    label: str | None
    ended: bool


def split_reasoning(text: str) -> tuple[str, str]:
    """A reasoning model's inline trace and the answer behind it: ("...", "..."). A trace without an end is all trace.

    The opening tag may be missing, because some chat templates write it into the prompt.
    """
    before, closed, after = text.rpartition("</think>")
    if closed:
        return before.replace("<think>", "").strip(), after
    return (
        (text.replace("<think>", "").strip(), "")
        if text.lstrip().startswith("<think>")
        else ("", text)
    )


def split_completion(task: Task, text: str) -> Stated:
    """Rationale before the last answer marker, label text behind it, and whether the answer's end was seen.

    The last marker counts, because a rationale may announce a label and then correct itself. An answer to a schema is a
    JSON object with both.
    """
    _, text = split_reasoning(text)
    if text.lstrip().startswith("{") and (stated := _from_json(text)):
        return stated
    ends = [at for end in task.answer.ends if (at := text.find(end)) >= 0]
    answer = text[: min(ends)] if ends else text
    rationale, marker, label = answer.rpartition(task.answer.marker)
    if not marker:
        return Stated(answer.strip(), None, bool(ends))
    return Stated(rationale.strip(), label.strip(), bool(ends))


def _from_json(text: str) -> Stated | None:
    try:
        found, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("label"), str):
        return None
    return Stated(str(found.get("rationale") or "").strip(), found["label"].strip(), True)


def cap_words(rationale: str, limit: int | None) -> str:
    """The first whole sentences of at most `limit` words; the first words where the first sentence is longer."""
    words = rationale.split()
    if limit is None or len(words) <= limit:
        return rationale
    kept = " ".join(words[:limit])
    ends = [match.end() for match in re.finditer(r"[.!?](?=\s|$)", kept)]
    return kept[: ends[-1]] if ends else kept


def parse_answer(task: Task, example: Example, completion: Completion) -> Answer:
    """Read one completion. The outcome says which parts are usable; see `Answer`."""
    if completion.error is not None:
        return Answer(example.id, "failed")
    stated = split_completion(task, completion.text)
    cut_off = completion.finish_reason == "length" and not stated.ended
    if not stated.label:
        if completion.finish_reason == "content_filter" or _REFUSAL.search(stated.rationale):
            return Answer(example.id, "refused")
        return Answer(example.id, "cut_off" if cut_off else "no_label")
    matched = match_label(task.label.kind, stated.label, task.allowed(example.choices))
    return _judge(example, stated, matched, cut_off=cut_off)


def _judge(example: Example, stated: Stated, matched: Matched, *, cut_off: bool) -> Answer:
    rationale = stated.rationale or None
    if cut_off and matched.match not in ("exact", "folded"):
        return Answer(example.id, "cut_off")
    if matched.label is None:
        return Answer(example.id, "label_not_allowed", rationale)
    if matched.match == "letter" and matched.text:
        # The letter is allowed but the words behind it are not: good enough to score, not to learn from.
        return Answer(example.id, "label_not_allowed", rationale, matched.label, "letter")
    return Answer(
        example.id,
        "ok" if rationale else "empty_rationale",
        rationale,
        matched.label,
        matched.match,
    )


def correct(task: Task, example: Example, answer: Answer) -> bool:
    """Whether the answer's label is the example's gold label, by the project's normalizer."""
    return same_label(task.label.kind, answer.label, example.gold)


def correct_as_published(task: Task, example: Example, completion: Completion) -> bool:
    """The same by the published rule: exact text for choices and classes, value for equations (`paper.md`, 1)."""
    stated = split_completion(task, completion.text)
    if stated.label is None or example.gold is None or completion.error is not None:
        return False
    label = published_label(task.label.kind, stated.label)
    if task.label.kind == "equation":
        return same_label("equation", label, example.gold)
    return label == example.gold
