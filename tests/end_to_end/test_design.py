"""The walk through the code in docs/design.md names files and functions that exist."""

import ast
import re

from support.places import ROOT

NAMED = re.compile(r"`([a-z_]+(?:/[a-z_0-9]+)+)((?:\.[A-Za-z_]+)*)`")


def defined(module: str) -> set[str]:
    """Dotted names of what a module defines."""
    path = ROOT / "dsbs" / f"{module}.py"
    found = set()
    for node in ast.parse(path.read_text()).body:
        names = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        if isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        found.update(names)
        if isinstance(node, ast.ClassDef):
            inner = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found.update(f"{node.name}.{part.name}" for part in inner)
    return found


def test_every_file_and_function_that_the_design_names_exists() -> None:
    named = NAMED.findall((ROOT / "docs" / "design.md").read_text())
    assert len(named) > 30
    for module, name in named:
        folder = ROOT / "dsbs" / module
        if name in ("", ".py"):
            assert (
                folder.is_dir()
                or folder.with_suffix(".py").is_file()
                or (ROOT / f"{module}{name}").is_file()
            ), module
        elif not (ROOT / f"{module}{name}").is_file():
            assert name.removeprefix(".") in defined(module), f"{module}{name}"
