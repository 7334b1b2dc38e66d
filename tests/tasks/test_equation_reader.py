"""Equations are read however they are written, and refused where they go on."""

import pytest

from dsbs.tasks.equation_reader import read_equation
from dsbs.tasks.equations import normalize


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("(3 * 8) + 9 apples", "( 3 * 8 ) + 9"),
        ("9 (apples)", "9"),
        ("14  (seats)", "14"),
        ("-(1/3)", "- ( 1 / 3 )"),
        ("6 x 8 = 48", "6 * 8"),
        ("6x8", "6 * 8"),
        ("6 × 8", "6 * 8"),
        ("6 times 8", "6 * 8"),
        ("48 divided by 6", "48 / 6"),
        ("48 rolls / 6 trays = 8 rolls", "48 / 6"),
        ("((8 action figures + 10 cabinets) * 4 shelves).", "( ( 8 + 10 ) * 4 )"),
        ("$48 \\div 6$", "48 / 6"),
        ("48 \\times 6 \\text{ rolls}", "48 * 6"),
        ("\\frac{48}{6}", "( 48 / 6 )"),
        ("\\dfrac{4 + 8}{6}", "( (4 + 8) / 6 )".replace("(4 + 8)", "( 4 + 8 )")),
        ("$\\boxed{48 \\div 6 = 8}$", "48 / 6"),
        ("1,200 + 3", "1,200 + 3"),
        ("1{,}000", "1,000"),
        ("$12.50", "12.50"),
        ("20%", "20"),
        ("20% of 50", "( 20 / 100 ) * 50"),
        ("50 * 20% = 10", "50 * ( 20 / 100 )"),
        ("15 / 75 = 20%", "15 / 75"),
        ("10 / 3 = 3.33", "10 / 3"),
        ("10 / 3 ≈ 3.3", "10 / 3"),
        ("2 * 3 + 4 = 6 + 4 = 10", "2 * 3 + 4"),
        ("x = 8", "8"),
        ("Total = 48 / 6 = 8", "48 / 6"),
        ("48 / 6 =", "48 / 6"),
        ("48 / 6\n= 8", "48 / 6"),
        ("**48 / 6** = **8**", "48 / 6"),
        ("5 - 6", "5 - 6"),
        ("5–6", "5 - 6"),
        ("2 ** 3", "2 ** 3"),
        ("72, altogether", "72"),
        ("8 km/hour", "8"),
        ("8!", "8"),
        ("8 because 48 / 6 = 8.", "8"),
        ("8. 48 / 6 = 8, you see.", "8"),
        ("5kg", "5"),
    ],
)
def test_an_equation_is_read_however_it_is_written(text: str, expression: str) -> None:
    found = read_equation(text)
    assert found.expression == expression
    assert normalize(expression) == expression


@pytest.mark.parametrize(
    "text",
    [
        *("4:30", "9:10", "3:30 p.m.", "6th", "3,4", "1,2,3", "1.000,50", "1,00", "1 000", "1'000"),
        *("8; 9", "8, 9", "8 or 9", "8 and 9", "8 to 9", "(8 / 4) and (6 / 4)", "8, or nine"),
        *("3x", "3 x", "7x = 14", "2a + 3", "x + 8", "some - 8", "3 * x", "48 / n", "2(3 + 4)"),
        *(
            "5 dozen",
            "5 million",
            "5 hundred",
            "$5m",
            "5k",
            "8 squared",
            "3 1/2",
            "5½",
            "5²",
            "1e5",
        ),
        *(
            "5 feet 3 inches",
            "12 dollars and 50 cents",
            "40 apples, 3 each",
            "8 apples and nine pears",
        ),
        *("48 / 6 = 9", "10 / 3 = 3", "48 / 6 = 8 = 9", "5! = 120", "5!=120", "10 mod 3", "10 % 3"),
        *(
            "100% - 20%",
            "20% + 5",
            "50 - 20%",
            "8?",
            "8 {",
            "not 8",
            "8 is wrong",
            "8 rolls (not 9)",
        ),
        *("8. Wait, no, it is 9.", "2020-05-06", "007", "> 5", "5 < 6", "at least 8", "((491 - 21"),
        *("1 / 0", "8 of 10", "8 out of 10", "\\sqrt{16}", "|8|", "", "eight", "8 (7 more)", "8/"),
    ],
)
def test_what_goes_on_is_no_equation(text: str) -> None:
    assert read_equation(text).expression is None
