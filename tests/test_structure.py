"""The shape of the code, held by its syntax trees and by fresh interpreters."""

import ast
import functools
import graphlib
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from dsbs.__main__ import STAGES
from support.places import ROOT

LEVELS = [
    ["core"],
    ["scaling", "tasks", "environment"],
    ["metrics", "plots"],
    ["config"],
    ["data", "artifacts", "cli"],
    ["teachers"],
    ["labeling"],
    ["distillation"],
    ["contracts"],
    ["student"],
    ["runtimes"],
    ["training", "evaluation"],
    ["baselines"],
    ["comparison"],
    ["planning", "reporting", "exporting"],
    ["serving"],
    [*STAGES, "api", "__main__"],
]
"""Packages, lowest first. Packages of one level do not import each other."""
HEAVY = {
    "torch": {"student", "training", "evaluation", "teachers", "baselines", "exporting"},
    "transformers": {"student", "training", "evaluation", "teachers", "exporting"},
    "ctranslate2": {"runtimes", "exporting"},
    "onnx": {"exporting"},
    "onnxruntime": {"runtimes", "exporting"},
    "fastapi": {"serving"},
    "uvicorn": {"serving"},
    "prometheus_client": {"serving"},
    "datasketch": {"data"},
    "plotly": {"plots", "reporting"},
    "matplotlib": {"plots"},
    "tensorboard": set(),
    "datasets": {"data", "metrics"},
    "evaluate": {"metrics"},
    "openai": {"teachers"},
    "vllm": {"teachers"},
    "ray": {"core", "teachers"},
    "statsmodels": {"comparison"},
    "sklearn": {"baselines"},
}


NO_MODULES = {"test_structure.py", "end_to_end", "faults", "support"}
"""What lies in tests/ without a module of the same name: the whole, behaviours of many modules, and
helpers.
"""
TESTS = Path(__file__).parent
MIRRORS = sorted(
    path
    for path in (at.relative_to(TESTS) for at in TESTS.rglob("test_*.py"))
    if path.parts[0] not in NO_MODULES
)


@functools.cache
def modules() -> dict[str, list[ast.stmt]]:
    """The syntax tree of every file of the package, by module name below `dsbs`."""
    found = {}
    for path in sorted((ROOT / "dsbs").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "dsbs").with_suffix("").parts).removesuffix(
            ".__init__"
        )
        if name != "__init__":
            found[name] = ast.parse(path.read_text()).body
    return found


def imports(body: list[ast.stmt]) -> set[str]:
    """Every module imported anywhere in a file, inside functions too."""
    found = set()
    for node in ast.walk(ast.Module(body, [])):
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found


def imported_modules(name: str) -> set[str]:
    """The files of the package that a file imports from."""
    inside = {i.removeprefix("dsbs.") for i in imports(modules()[name]) if i.startswith("dsbs.")}
    return inside & modules().keys()


def level(top: str) -> int:
    return next(at for at, names in enumerate(LEVELS) if top in names)


def test_the_top_level_holds_commands_and_packages_only() -> None:
    top = {path for path in (ROOT / "dsbs").iterdir() if path.name != "__pycache__"}
    packages = {path.name for path in top if (path / "__init__.py").is_file()}
    files = {path.name for path in top} - packages - {"assets"}
    commands = {f"{name}.py" for name in [*STAGES, "api", "__init__", "__main__"]}
    assert files - {"py.typed"} == commands
    assert packages <= {name for names in LEVELS for name in names}


@pytest.mark.parametrize("path", MIRRORS, ids=str)
def test_every_test_file_is_named_after_a_module(path: Path) -> None:
    module = ROOT / "dsbs" / path.with_name(path.name.removeprefix("test_"))
    assert module.is_file(), f"{path} tests no module; end_to_end/ holds behaviours of many"


def test_the_longest_test_files_exist(request: pytest.FixtureRequest) -> None:
    conftest = request.config.pluginmanager.get_plugin(str(TESTS / "conftest.py"))
    assert conftest is not None
    assert all((TESTS / name).is_file() for name in conftest.LONGEST)


@pytest.mark.parametrize("name", modules())
def test_imports_go_downwards_only(name: str) -> None:
    top = name.split(".")[0]
    for imported in imports(modules()[name]):
        parts = imported.split(".")
        if parts[0] != "dsbs" or len(parts) < 2 or parts[1] == "__version__":
            continue
        assert parts[1] == top or level(parts[1]) < level(top), f"{name} imports {imported}"


def test_no_imports_go_in_a_circle() -> None:
    """Within a package too, where levels do not look, and inside functions."""
    graph = {name: imported_modules(name) - {name} for name in modules()}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("name", modules())
def test_each_heavy_library_has_its_place(name: str) -> None:
    top = name.split(".")[0]
    for imported in imports(modules()[name]):
        library = imported.split(".")[0]
        assert top in HEAVY.get(library, {top}), f"{name} imports {imported}"


def test_stages_are_described_in_one_voice() -> None:
    for name, text in STAGES.items():
        stage = importlib.import_module(f"dsbs.{name}").STAGE
        assert (stage.name, stage.help) == (name, text)


@pytest.mark.parametrize(
    "arguments",
    [["dsbs"], *(["dsbs", stage] for stage in STAGES), *([f"dsbs.{s}"] for s in STAGES)],
)
def test_help_loads_neither_torch_nor_vllm(arguments: list[str]) -> None:
    code = (
        "import runpy, sys\n"
        f"sys.argv = {[arguments[0], *arguments[1:], '--help']!r}\n"
        "try: runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        f"heavy = {HEAVY.keys() | {'scipy'}} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout


def test_every_public_function_has_a_docstring() -> None:
    for name, body in modules().items():
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{name}.{node.name}"
