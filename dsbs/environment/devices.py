"""The machine: processor, memory, disk and GPUs, found without loading a library that computes."""

import os
import platform
import shutil
import subprocess
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "bf16")
"""What makes a processor fast here: wide registers and bf16 arithmetic (`bf16` on Arm)."""
_GB = 1e9


class Gpu(BaseModel):
    """One NVIDIA GPU, as its driver names it."""

    model_config = ConfigDict(frozen=True)

    name: str
    memory_gb: float


class Machine(BaseModel):
    """What computes here, and what room it has."""

    model_config = ConfigDict(frozen=True)

    system: str
    processor: str
    cores: int
    """Cores that this process may use."""
    cpu_features: tuple[str, ...]
    memory_gb: float | None
    memory_free_gb: float | None
    disk_free_gb: float
    """On the disk of the working directory, where runs are kept."""
    gpus: tuple[Gpu, ...]


def this_machine() -> Machine:
    """The machine that this process runs on."""
    described = _key_values(Path("/proc/cpuinfo"))
    memory = _key_values(Path("/proc/meminfo"))
    flags = (described.get("flags") or described.get("features") or "").split()
    return Machine(
        system=platform.platform(terse=True),
        processor=described.get("model name") or platform.processor() or platform.machine(),
        cores=cores(),
        cpu_features=tuple(name for name in _FEATURES if name in flags),
        memory_gb=_kilobytes(memory.get("memtotal")),
        memory_free_gb=_kilobytes(memory.get("memavailable")),
        disk_free_gb=round(shutil.disk_usage(Path.cwd()).free / _GB, 1),
        gpus=_nvidia_gpus(),
    )


def _key_values(path: Path) -> dict[str, str]:
    """The keys, in lower case, and first values of a file in Linux's /proc; {} elsewhere."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = [line.partition(":") for line in lines]
    return {key.strip().lower(): value.strip() for key, _, value in reversed(pairs)}


def _kilobytes(text: str | None) -> float | None:
    """Gigabytes of Linux's "24676144 kB"; the unit is in truth 1,024 bytes."""
    return round(int(text.split()[0]) * 1024 / _GB, 1) if text else None


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _nvidia_gpus() -> tuple[Gpu, ...]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.rpartition(",") for line in found.stdout.splitlines() if "," in line]
    # The driver counts in MiB.
    return tuple(
        Gpu(name=name.strip(), memory_gb=round(float(size) * 2**20 / _GB, 1))
        for name, _, size in rows
    )
