"""The help of a command that only hands on to others. Imports nothing, so that it is shown at once."""

from collections.abc import Mapping


def listing(usage: str, text: str, described: Mapping[str, str]) -> str:
    """Usage line, what the command is for, and one line for each name it knows."""
    width = max(map(len, described))
    lines = [f"  {name:<{width}}  {line}" for name, line in described.items()]
    return "\n".join(
        [f"Usage: {usage}", "", text, "", *lines, "", "--help behind a name lists its flags."]
    )
