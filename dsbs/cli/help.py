"""The help of a command that has subcommands. Imports nothing, so that it appears at once."""

from collections.abc import Mapping


def listing(usage: str, text: str, described: Mapping[str, str]) -> str:
    """Usage, purpose, and one line per subcommand."""
    width = max(map(len, described))
    lines = [f"  {name:<{width}}  {line}" for name, line in described.items()]
    return "\n".join(
        [f"Usage: {usage}", "", text, "", *lines, "", "NAME --help lists the flags of one."]
    )
