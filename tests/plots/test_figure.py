"""Axes of a figure."""

import pytest

from dsbs.plots.figure import Figure, Series


@pytest.mark.parametrize(("values", "names"), [
    ((77e6, 783e6), ["10⁸", "2·10⁸", "5·10⁸", "10⁹"]), ((0.2, 3), ["0.2", "0.5", "1", "2"]),
    ((1e12, 1e17), ["10¹²", "10¹³", "10¹⁴", "10¹⁵", "10¹⁶", "10¹⁷"]), ((4000, 4000), ["5,000"])])  # fmt: skip
def test_ticks_of_a_logarithmic_axis_are_few_and_round(
    values: tuple[float, float], names: list[str]
) -> None:
    figure = Figure("f", "F", "x", "y", [Series("s", values, (1, 2))], log_x=True)
    assert [name for _, name in figure.log_ticks] == names
