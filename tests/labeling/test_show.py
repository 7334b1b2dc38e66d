"""What `generate --show` prints for people."""

from dsbs.artifacts.results.generate import GenerateResult, ShownAnswer
from dsbs.labeling.show import show_results

TEMPLATE = "Animal: hen\nAnswer: It lays eggs. So it is a bird.\n\n"


def shown(name: str, animal: str) -> ShownAnswer:
    return ShownAnswer(
        id=name,
        prompt=f"{TEMPLATE}Animal: {animal}\nAnswer:",
        completion=" So it is a bird.",
        outcome="ok",
        label="bird",
        gold=None,
        correct=None,
    )


def result(*rows: ShownAnswer) -> str:
    made = GenerateResult(out="o", task="farm", teacher="t", splits={}, shown=list(rows))
    return show_results(made)


def test_what_prompts_share_is_printed_once_and_the_rows_side_by_side() -> None:
    text = result(shown("a", "duck"), shown("b", "dove"))
    assert text.count("It lays eggs.") == 1
    head, rows = text.split("prompts and answers")
    assert head.rstrip().endswith("---")
    # Both questions begin with a d, which is the rows' own all the same.
    assert "Animal: duck" in rows
    assert "Animal: dove" in rows
    assert [line.split()[0] for line in rows.splitlines() if "So it is" in line] == ["a", "b"]


def test_a_single_prompt_is_printed_whole_and_none_without_rows() -> None:
    assert "It lays eggs." in result(shown("a", "duck")).split("prompts and answers")[1]
    assert "prompts and answers" not in result()
