"""docs/reference.md says what the configuration models say."""

from scripts.write_reference import COMMAND, REFERENCE, reference


def test_the_reference_is_fresh() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), f"run: {COMMAND}"


def test_every_flag_has_a_row() -> None:
    text = reference()
    for expected in (
        "## `dsbs plan cost`",
        "| `--data-frac` | `FLOAT` | `1.0` |",
        "| `RUNS` | `PATH,...` |",
        "| `--run` | `PATH` | required |",
        "some of `standard`, `step_by_step`",
    ):
        assert expected in text
