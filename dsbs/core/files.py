"""Files that travel with dsbs, YAML files, and atomic writes."""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from dsbs.core.errors import InputError, nearest

_PACKAGE = Path(__file__).parent.parent


def packaged(name: str) -> Path:
    """A file or folder that travels with dsbs: in `prompts`, `pipelines` or `dsbs/assets`.

    Prompts and pipelines lie at the checkout's top level, and inside the package once it is
    installed.
    """
    folder, *below = Path(name).parts
    places = (_PACKAGE / "assets" / folder, _PACKAGE / folder, _PACKAGE.parent / folder)
    return next((place for place in places if place.is_dir()), places[-1]).joinpath(*below)


def find_file(name: str, folder: str) -> Path:
    """A YAML file by its path, or a packaged one by its name. Raises InputError if missing."""
    if is_path(name):
        if not Path(name).is_file():
            raise InputError(
                name, got="no such file", expected=f"a YAML file of {folder}", fix="check the path"
            )
        return Path(name)
    known = {path.stem: path for path in packaged(folder).glob("*.yaml")}
    if name not in known:
        kind = folder.removesuffix("s").replace("prompt", "task")
        fix = f"{nearest(name, known)} (or give the path of a .yaml file of your own)"
        raise InputError(f"--{kind}", got=repr(name), expected=f"a known {kind}", fix=fix)
    return known[name]


def is_path(name: str) -> bool:
    """Whether a name of a task or pipeline is the path of a file, and not a packaged name."""
    return name.endswith((".yaml", ".yml")) or "/" in name


class _Loader(yaml.SafeLoader):
    """Refuses a key that comes twice, of which YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node. Raises ConstructorError for a key that comes twice."""
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and keys.count(key.value) > 1:
                problem = f"the key {key.value!r} twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
        return super().construct_mapping(node, deep)


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
    loaded = load_yaml(path, _TextLoader if texts else _Loader)
    if not isinstance(loaded, dict):
        raise InputError(
            path,
            got=type(loaded).__name__,
            expected="a mapping of keys",
            fix="write `key: value` lines",
        )
    return loaded


def load_yaml(path: Path, loader: type[yaml.SafeLoader] = _Loader) -> Any:
    """The content of a YAML file. Raises InputError, with the line, for anything but UTF-8 YAML."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), loader)  # a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            path, got=error, expected="a readable UTF-8 file", fix="check path and encoding"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else path
        raise InputError(
            where, got=getattr(error, "problem", error), expected="YAML", fix="mend the file"
        ) from None
    except (ValueError, OverflowError, RecursionError) as error:
        raise InputError(path, got=error, expected="YAML", fix="mend the file") from None


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, atomically; see `replacing`."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False))


def write_text(path: Path, text: str) -> None:
    """Write a text, atomically; see `replacing`."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A hidden path beside `path` to write to; it takes the place of `path` once all is written.

    A reader sees the old file or the new one, never half of one. Where writing fails, the old file
    stays.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
