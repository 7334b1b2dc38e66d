"""What is no part of a label is removed, once and for every kind."""

import pytest

from dsbs.tasks.undress import characters, cut_at_end_token, undress, without_courtesy


@pytest.mark.parametrize(
    "text",
    [
        *("ice", " ice ", ": ice", "**ice**", "*ice*", "__ice__", "_ice_", "***ice***", "`ice`"),
        *('"ice"', "'ice'", "“ice”", "‘ice’", "«ice»", "**`ice`**", '"**ice**"', "**ice", "ice**"),
        *(
            "$ice$",
            "$\\boxed{ice}$",
            "\\text{ice}",
            "\\(\\text{ice}\\)",
            "\\[\\boxed{\\mathrm{ice}}\\]",
        ),
        *("ice</s>", "ice<|im_end|>", "<s> ice</s> Q: what", "ice<|eot_id|>\n", "<pad>ice<pad>"),
        *(
            "<|begin_of_solution|>ice<|end_of_solution|>",
            "ice\n[END FINAL RESPONSE]",
            "<output>ice</output>",
        ),
        *("<b>ice</b>", "<answer>ice</answer>", "[[ice]]", "```\nice\n```", "> ice", "- ice"),
        *("ｉｃｅ", "\u200bice\ufeff", "\u00a0ice\u3000", "<|begin_of_box|>ice<|end_of_box|>"),
        *("ice<｜end▁of▁sentence｜>", "<|start_header_id|>assistant<|end_header_id|>\n\nice"),
    ],
)
def test_every_dress_comes_off(text: str) -> None:
    assert undress(text) == "ice"


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4",
        "2 ** 3",
        "snake_case_name",
        "people's house",
        "5 - 6",
        "-8",
        "C++",
        "$5 and $10",
    ],
)
def test_what_belongs_to_a_label_stays(text: str) -> None:
    assert undress(text) == text


def test_accents_are_composed_and_superscripts_kept() -> None:
    assert characters("cafe\u0301") == "café"
    assert characters("5²") == "5²"
    assert characters("’") == "'"


def test_a_turn_ends_at_its_token() -> None:
    assert cut_at_end_token("ice</s>Q: What") == "ice"
    assert cut_at_end_token("a < b") == "a < b"


def test_courtesies_at_the_end_are_no_label() -> None:
    assert without_courtesy("Paris. I hope this helps!") == "Paris."
    assert without_courtesy("Paris\n\nLet me know if you need more.") == "Paris"
    assert without_courtesy("Let me know") == "Let me know"
