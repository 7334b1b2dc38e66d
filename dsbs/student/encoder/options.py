"""What an encoder reads for a row, and where its labels stand. No model library is needed."""

from collections.abc import Mapping

from dsbs.student.candidates import Candidates


def with_option(text: str, option: str, separator: str) -> str:
    """An input and one of its options as one text."""
    return f"{text}{separator}{option}"


def texts_of(row: Candidates, separator: str | None) -> list[str]:
    """What is read for a row: its input, or its input with each different option.

    Args:
        row: The input and its labels.
        separator: What joins an input and an option. None: the model has classes.
    """
    if separator is None:
        return [row.input]
    return [with_option(row.input, label, separator) for label in dict.fromkeys(row.labels)]


def places_of(row: Candidates, classes: Mapping[str, int] | None) -> dict[str, int]:
    """The place of each of a row's labels among its scores.

    Args:
        row: The input and its labels.
        classes: The place of each class of the model. None: it scores the row's own options.
    """
    labels = dict.fromkeys(row.labels)
    if classes is None:
        return {label: number for number, label in enumerate(labels)}
    return {label: classes[label] for label in labels}
