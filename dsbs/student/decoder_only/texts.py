"""How the texts of a decoder-only student stand one behind the other. It needs no model library."""


def marker(prefix: str) -> str:
    """What stands between an input and a target: a newline and the task's prefix."""
    return f"\n{prefix.strip()}"


def continued(text: str) -> str:
    """A target as it stands behind its marker: with a space before it."""
    return f" {text}"


def open_input(ids: list[int], end: int) -> list[int]:
    """An input's ids without the end token. An empty input is the end token alone."""
    return (ids[:-1] if ids[-1:] == [end] else ids) or [end]
