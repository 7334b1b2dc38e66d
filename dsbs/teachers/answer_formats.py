"""Answers that other programs wrote: the format of a file is found out, and its rows are read.

docs/data.md shows one line of each format.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from dsbs.config.request_options import AnswersFormat
from dsbs.core.errors import InputError
from dsbs.data.readers import read_rows
from dsbs.data.values import is_missing, whole_text
from dsbs.teachers.finish_reasons import finish_reason
from dsbs.teachers.found_answer import FoundAnswer, Row, id_of, text_or_none, unknown_format
from dsbs.teachers.labeling_exports import read_doccano, read_label_studio
from dsbs.teachers.model_outputs import read_batch, read_chat

_DOCCANO = {"id", "text", "label", "labels", "Comments"}


def read_answers(path: Path, form: AnswersFormat) -> tuple[str, list[FoundAnswer]]:
    """The format of a file, and all its answers. `auto` finds the format out from the first row.

    Raises:
        InputError: for a row that is not in the format, or a format that is not known.
    """
    found: list[FoundAnswer] = []
    for where, row in read_rows(path):
        if form == "auto":
            form = _format_of(row, where)
        found.append(_READERS[form](row, where))
    return form, found


def _format_of(row: Row, where: str) -> AnswersFormat:
    labels = row.get("label", row.get("labels"))
    if "custom_id" in row and row.keys() & {"response", "result", "error"}:
        return "batch"
    if "annotations" in row and "data" in row:
        return "label-studio"
    if row.keys() & {"messages", "request"} or ("response" in row and "prompt" in row):
        return "chat"
    if isinstance(labels, list) and "text" in row:
        return "doccano"
    if "annotation_id" in row or (labels is not None and row.keys() <= _DOCCANO):
        raise _unclear(row, where)
    if "id" in row and "text" in row:
        return "text"
    raise unknown_format(row, where, "strings id and text, or another known format")


def _unclear(row: Row, where: str) -> InputError:
    """A file whose texts may be what was asked, and not the answers."""
    return InputError(
        where,
        got=f"keys {', '.join(map(str, row))}, as labeling tools write them",
        expected="answers, or an export with its labels",
        fix="name the format with --answers-format doccano or text, or export Label Studio's tasks "
        "as JSON (not JSON-MIN or CSV)",
    )


def _read_text(row: Row, where: str) -> FoundAnswer:
    """`{"id": ..., "text": ...}`, with what else is known of it.

    That is `finish_reason`, `reasoning`, and what was asked: `prompt` or `input`.
    """
    text = row.get("text")
    if is_missing(row.get("id")) or "text" not in row or not isinstance(text, str | None):
        raise unknown_format(row, where, "strings id and text")
    return FoundAnswer(
        where,
        None if text is None else whole_text(text),
        text_or_none(row.get("error")) or ("its text is null" if text is None else None),
        finish_reason(row.get("finish_reason")),
        text_or_none(row.get("reasoning")),
        id_of(row, "id", where),
        shown=text_or_none(row.get("prompt")) or text_or_none(row.get("input")) or "",
    )


_READERS: Mapping[AnswersFormat, Callable[[Row, str], FoundAnswer]] = {
    "text": _read_text,
    "batch": read_batch,
    "chat": read_chat,
    "label-studio": read_label_studio,
    "doccano": read_doccano,
}
