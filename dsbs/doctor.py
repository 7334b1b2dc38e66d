"""Look at the installation: versions, devices, what is missing or broken, and how to mend it.

    python -m dsbs.doctor
    python -m dsbs.doctor --no-imports
    python -m dsbs.doctor --json

The exit code is 1 if something that is installed is broken. What is not installed is no fault.
"""

from collections.abc import Iterator

from dsbs.cli.stage import Stage
from dsbs.config.doctor import DoctorConfig
from dsbs.core.tables import table
from dsbs.environment.devices import Machine
from dsbs.environment.diagnosis import Diagnosis, diagnose
from dsbs.environment.extras import Extra, versions_of


def doctor(config: DoctorConfig) -> Diagnosis:
    """What is found out; `status` is "broken" if something that is installed does not work."""
    return diagnose(imports=config.imports, timeout_s=config.timeout)


def show(found: Diagnosis) -> str:
    """The diagnosis for people."""
    versions = {"dsbs": found.dsbs, "Python": found.python, **versions_of(found.extras)}
    problems = [[one.problem, one.fix] for one in found.findings]
    return "\n".join(
        [
            ", ".join(f"{name} {version}" for name, version in versions.items()),
            *_machine_lines(found.machine),
            _accelerators(found),
            table(["extra", "state", "what is missing", "mend it with"], map(_row, found.extras)),
            table(["problem", "mend it with"], problems) if problems else "No problem was found.",
        ]
    )


def _machine_lines(machine: Machine) -> Iterator[str]:
    features = ", ".join(machine.cpu_features) or "none of the features that speed dsbs up"
    yield f"{machine.system}; {machine.processor}, {machine.cores} cores: {features}"
    memory = f"{machine.memory_free_gb} of {machine.memory_gb} GB of memory free"
    free = [memory] if machine.memory_gb else []
    yield ", ".join([*free, f"{machine.disk_free_gb} GB of disk free here"])


def _accelerators(found: Diagnosis) -> str:
    """GPUs as the driver names them, and those that PyTorch can use."""
    by_driver = [f"{gpu.name}, {gpu.memory_gb} GB" for gpu in found.machine.gpus]
    if found.torch_devices is None:
        return f"GPUs: {'; '.join(by_driver) or 'none'}"
    usable = "; ".join(found.torch_devices) or "none, so it computes on the processor"
    return f"GPUs: {'; '.join(by_driver) or 'none'}. PyTorch uses: {usable}"


def _row(extra: Extra) -> list[str]:
    name = f"dsbs[{extra.name}]" if extra.name else "dsbs"
    return [name, _state(extra), ", ".join([*extra.missing, *extra.outdated]), extra.install]


def _state(extra: Extra) -> str:
    if extra.complete:
        return "complete"
    return "incomplete" if extra.versions else "not installed"


STAGE = Stage("doctor", DoctorConfig, doctor, show)

if __name__ == "__main__":
    STAGE.main()
