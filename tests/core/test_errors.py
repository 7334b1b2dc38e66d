"""Errors are one line each."""

from dsbs.core.errors import InputError


def test_an_error_is_one_line_even_if_the_input_is_not() -> None:
    error = InputError("a\nb", got="c\nd", expected="e", fix="f")
    assert str(error) == "a b: got c d; expected e; f"
