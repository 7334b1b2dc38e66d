"""Settings of a stage from flags, a YAML file and a pipeline, with one-line errors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from dsbs.cli.flags import flag_name
from dsbs.config.base import StageConfig
from dsbs.core.errors import InputError, brief, nearest
from dsbs.core.files import find_file
from dsbs.core.redaction import public_setting
from dsbs.core.yaml_files import read_yaml

Config = TypeVar("Config", bound=StageConfig)


def configure(config: type[Config], stage: str, given: Mapping[str, Any]) -> Config:
    """The configuration of a stage from flags, else from the file, else from the pipeline."""
    flags = dict(given)
    settings: dict[str, Any] = {}
    public_setting(flags)  # their secrets are known from here on
    if pipeline := flags.pop("pipeline", None):
        path = find_file(pipeline, "pipelines")
        section = _section(read_yaml(path), path, stage)
        settings |= _known(section, config, where=f"{path}: {stage}")
    if file := flags.pop("config", None):
        found = read_yaml(Path(file))
        public_setting(found)
        settings |= _known(found, config, where=str(file))
    return build(config, settings | flags)


def build(config: type[Config], settings: Mapping[str, Any]) -> Config:
    """The model of these settings; InputError with the first wrong one as its flag."""
    try:
        return config(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # settings that do not go together: "name: why"
            name, _, why = first["msg"].removeprefix("Value error, ").partition(": ")
            got = _got(name, settings.get(name, "nothing"))
            raise InputError(flag_name(name), got=got, expected=why, fix="see --help") from None
        field = str(first["loc"][0])
        flag = field.upper() if field == config.positional else flag_name(field)
        if first["type"] == "missing":
            raise InputError(
                flag, got="nothing", expected=_help(config, first["loc"]), fix=f"give {flag}"
            ) from None
        expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        fix = f"give {_help(config, first['loc'])}"
        raise InputError(
            flag, got=_got(field, first.get("input")), expected=expected, fix=fix
        ) from None


def _got(name: str, value: Any) -> str:
    """A value that was given, short and without secrets."""
    shown = public_setting({name: value})[name]
    return brief(shown) if shown == value else str(shown)


def _help(config: type[StageConfig], location: Sequence[Any]) -> str:
    field = config.model_fields.get(str(location[0])) if location else None
    return (field.description or "see --help") if field else "see --help"


def _known(settings: Mapping[str, Any], config: type[StageConfig], where: str) -> dict[str, Any]:
    """Settings by field. Raises InputError for a key that the stage lacks."""
    fields = {name.rstrip("_"): name for name in config.model_fields}
    for key in settings:
        if str(key).replace("-", "_") not in fields:
            fix = nearest(str(key), fields)
            raise InputError(where, got=f"key {key!r}", expected="a setting of this stage", fix=fix)
    return {fields[str(key).replace("-", "_")]: value for key, value in settings.items()}


def _section(pipeline: Mapping[str, Any], path: Path, stage: str) -> Mapping[str, Any]:
    section = pipeline.get(stage)
    if not isinstance(section, Mapping):
        fix = f"it has: {', '.join(pipeline)}"
        raise InputError(
            path, got=f"no section {stage!r}", expected="a mapping of settings", fix=fix
        )
    return section
