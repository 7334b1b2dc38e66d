"""YAML files of people: read within bounds, with one line about what is wrong."""

from pathlib import Path
from typing import Any

import yaml

from dsbs.core.errors import InputError, brief

_MOST_BYTES = 10_000_000
_MOST_NODES = 200_000
"""Values of a file, those behind its aliases counted each time they are named."""
_MOST_DEPTH = 50


class _Loader(yaml.SafeLoader):
    """Names the line of a value that it cannot make (a 13th month, `!!int x`) and of a second key.

    YAML would keep the last of two equal keys.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node. Raises ConstructorError for a key that comes twice."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"the key {brief(key.value)} twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """See `yaml.SafeLoader`."""
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # the parts of a value may be wrong in any way
            what = f"{node.tag.removeprefix('tag:yaml.org,2002:')} that cannot be read: {error}"
            raise yaml.MarkedYAMLError(problem=what, problem_mark=node.start_mark) from None


class _TextLoader(_Loader):
    """Reads every value but null as the text that is written, also yes, 1.50 and 9:10."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML takes it from the class
        first: [(tag, pattern) for tag, pattern in found if tag.endswith((":null", ":merge"))]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_yaml(path: Path, *, texts: bool = False) -> dict[str, Any]:
    """The mapping in a YAML file. Raises InputError, with the line, for anything else.

    With `texts`, numbers and booleans stay the text that is written.
    """
    loaded = load_yaml(path, texts=texts)
    if not isinstance(loaded, dict):
        raise InputError(
            path,
            got=type(loaded).__name__,
            expected="a mapping of keys",
            fix="write `key: value` lines",
        )
    return loaded


def load_yaml(path: Path, *, texts: bool = False) -> Any:
    """The content of a YAML file. Raises InputError, with the line, for anything but UTF-8 YAML."""
    text = _text(path)
    try:
        _check_size(text, path)
        return yaml.load(text, _TextLoader if texts else _Loader)  # both are SafeLoaders
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(
            where, got=getattr(error, "problem", error), expected="YAML", fix="mend the file"
        ) from None


def _text(path: Path) -> str:
    """The text of a file that is not too large, also of one that does not state its size."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            got = f"a file of more than {_MOST_BYTES:,} bytes"
            raise InputError(path, got=got, expected="a file of settings", fix="check the path")
        return content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            path, got=error, expected="a readable UTF-8 file", fix="check path and encoding"
        ) from None


def _check_size(text: str, path: Path) -> None:
    """InputError for nesting or aliases that would become huge, before anything is built."""
    named: dict[str, int] = {}
    open_parts: list[tuple[str | None, int]] = []
    """The name of each part that is open, and the number of values before it."""
    count = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            size = named.get(event.anchor or "")
            if size is None:
                raise _refused(path, line, f"the alias *{event.anchor} before the end of its value")
            count += size
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                named[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            count += 1
            open_parts.append((event.anchor, count))
        elif isinstance(event, yaml.CollectionEndEvent):
            name, before = open_parts.pop()
            if name:
                named[name] = count - before + 1
        if len(open_parts) > _MOST_DEPTH:
            raise _refused(path, line, f"values more than {_MOST_DEPTH} deep")
        if count > _MOST_NODES:
            raise _refused(
                path, line, f"more than {_MOST_NODES:,} values, with those behind aliases"
            )


def _refused(path: Path, line: int, got: str) -> InputError:
    expected = "a file of settings that a person wrote"
    return InputError(f"{path}:{line}", got=got, expected=expected, fix="mend the file")
