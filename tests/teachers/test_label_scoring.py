"""Which tokens of a label's text are scored."""

import pytest

from dsbs.teachers.label_scoring import encode_continuations, label_comes_first


def encode(text: str) -> list[int]:
    """One token per character."""
    return list(text.encode())


@pytest.mark.parametrize(
    ("continuations", "in_one_step"),
    [
        ((" So it is a bird.", " So it is a mammal."), True),
        ((" bird", " mammal"), True),
        ((" The answer is (a).", " The answer is (b)."), True),
        ((" The answer is (a) bird.", " The answer is (b) mammal."), False),
        ((" Birds fly. It is (a) bird.", " Birds fly. It is (b) mammal."), False),
    ],
)
def test_a_letter_before_the_label_does_not_decide_alone(continuations, in_one_step) -> None:
    """The bird and the mammal may have letters that the teacher is unsure of."""
    labels = list(zip(("bird", "mammal"), continuations, strict=True))
    assert label_comes_first(labels) is in_one_step
    assert encode_continuations(encode, "Q: what?", labels).in_one_step is in_one_step
