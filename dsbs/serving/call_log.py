"""One JSON line for each call. It holds no input unless that was asked for."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic_core import to_json

from dsbs.core.known_secrets import without_secrets

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]


class CallLog:
    """Appends lines to a file, each as a whole."""

    def __init__(self, path: Path, *, inputs: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._lock = threading.Lock()
        self.inputs = inputs
        """Whether inputs are written down."""

    def write(self, event: str, values: Mapping[str, Value]) -> None:
        """Write down what has happened."""
        line = {"time": round(time.time(), 3), "event": event, **values}
        text = without_secrets(to_json(line).decode()) + "\n"
        with self._lock:
            self._file.write(text.encode())
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
