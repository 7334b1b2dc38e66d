"""One JSON line for each call. It holds no input unless that was asked for."""

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from dsbs.core.known_secrets import without_secrets

Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]


class CallLog:
    """Appends lines to a file, each as a whole."""

    def __init__(self, path: Path, *, inputs: bool) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self.inputs = inputs
        """Whether inputs are written down."""

    def write(self, event: str, values: Mapping[str, Value]) -> None:
        """Write down what has happened."""
        line = {"time": round(time.time(), 3), "event": event, **values}
        text = without_secrets(json.dumps(line, ensure_ascii=False))
        with self._lock:
            self._file.write(text + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
