"""Lines of the training log, to be compared."""

from collections.abc import Mapping
from typing import Any


def logged(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What was logged at a step: the values of a line that are not None."""
    return {name: value for name, value in entry.items() if value is not None}
