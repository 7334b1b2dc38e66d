"""Labels that people gave, in exports of Label Studio and doccano.

The ids there are those of the tools, and say nothing. An answer belongs to the row that its export
repeats.
"""

import json
from typing import Any

from dsbs.tasks.labels import meaning
from dsbs.teachers.found_answer import (
    FoundAnswer,
    Row,
    several_answers,
    texts_of,
    unknown_format,
)


def read_label_studio(row: Row, where: str) -> FoundAnswer:
    """A task of Label Studio's JSON export, with the choices and texts of its annotation."""
    data, annotations = row.get("data"), row.get("annotations")
    if not isinstance(data, dict) or not isinstance(annotations, list):
        raise unknown_format(row, where, "data and annotations, as in Label Studio's JSON export")
    kept = [one for one in annotations if isinstance(one, dict) and not one.get("was_cancelled")]
    answers = [_annotated(one.get("result"), where) for one in kept]
    answer = FoundAnswer(where, None, "it is not annotated")
    meant = {None if label is None else meaning("text", label) for label, _ in answers}
    if len(meant) == 1:
        rationale = next((written for _, written in answers if written), "")
        answer = _labelled(where, answers[0][0], rationale)
    elif answers:
        answer = FoundAnswer(where, None, "its annotators do not agree")
    return answer._replace(rows=(data, row), asked=tuple(texts_of(list(data.values()))))


def _annotated(result: Any, where: str) -> tuple[str | None, str]:
    """The label and the rationale of one annotation: what was chosen, and what was written."""
    chosen: list[str] = []
    written: list[str] = []
    for part in result if isinstance(result, list) else ():
        value = part.get("value") if isinstance(part, dict) else None
        if isinstance(value, dict):
            chosen += texts_of(value.get("choices"))
            written += texts_of(value.get("text"))
    if len(chosen) > 1:
        raise several_answers(chosen, where)
    if not chosen and len(written) == 1:
        return written[0], ""
    return (chosen[0] if chosen else None), "\n".join(written)


def read_doccano(row: Row, where: str) -> FoundAnswer:
    """A line of doccano's export: the text that was shown, and its label or what was written."""
    labels = row.get("label", row.get("labels"))
    if "text" not in row or not isinstance(labels, list | str):
        raise unknown_format(row, where, "text and label, as in doccano's export")
    stated = texts_of(labels)
    if len(stated) > 1:
        raise several_answers(stated, where)
    answer = _labelled(where, stated[0] if stated else None, "")
    return answer._replace(rows=(row,), asked=tuple(texts_of(row["text"])))


def _labelled(where: str, label: str | None, rationale: str) -> FoundAnswer:
    """A person's label, as the JSON that answers without demonstrations have."""
    if label is None:
        return FoundAnswer(where, None, "it is not annotated")
    stated = {"rationale": rationale, "label": label}
    return FoundAnswer(where, json.dumps(stated, ensure_ascii=False))
