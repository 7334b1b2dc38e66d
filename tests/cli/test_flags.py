"""One description of a flag, for the parser, completion and the reference."""

from dsbs.cli.flags import SHARED_FLAGS, flags_of
from dsbs.config.compare import CompareConfig
from dsbs.config.generate import GenerateConfig
from dsbs.config.predict import PredictConfig
from dsbs.config.report import ReportConfig


def test_a_flag_knows_its_type_its_choices_and_its_default() -> None:
    flags = {flag.field: flag for flag in flags_of(CompareConfig)}
    assert [flags["data_fracs"].typed, flags["data_fracs"].value] == ["--data-fracs", "FLOAT,..."]
    assert flags["methods"].default == "standard,step_by_step"
    assert "label_then_rationale" in flags["methods"].choices
    assert flags["shard"].value == ""
    assert set(SHARED_FLAGS) <= set(flags.values())


def test_a_default_of_0_is_a_default_and_one_of_nothing_is_none() -> None:
    flags = {flag.field: flag for flag in flags_of(GenerateConfig)}
    assert flags["split_seed"].default == "0"
    assert [flags[name].default for name in ("teacher", "zero_shot", "splits", "serve_args")] == [
        *([""] * 4)
    ]


def test_what_must_be_given_and_what_stands_by_itself_are_known() -> None:
    assert [flag.field for flag in flags_of(PredictConfig) if flag.required] == ["run"]
    runs = next(flag for flag in flags_of(ReportConfig) if flag.field == "runs")
    assert (runs.positional, runs.typed, runs.value) == (True, "RUNS", "PATH,...")
