"""Predictions against values worked out by hand."""

from __future__ import annotations

import pytest

from tui.suites.formula import Malformed, Reference, parse

BITS: dict[tuple[str, int | None], float | None] = {
    ("a", 1): 3.0,
    ("a", 2): 5.0,
    ("a", None): 8.0,
    ("b_no-c", 1): 4.0,
    ("b_no-c", 2): 2.5,
    ("b_no-c", None): 6.5,
    ("near", 1): 4.0009,
    ("none", 1): None,
}


def bits(reference: Reference) -> float | None:
    return BITS[reference.condition, reference.region]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("(1;%a%) < (1;%b_no-c%)", True),
        ("(1;%a%) > (1;%b_no-c%)", False),
        ("( 2 ; %a% )>(2;%b_no-c%)", True),
        ("(*;%a%) < (*;%b_no-c%)", False),
        # 5 - 2.5 > 4 - 3, and the other way round
        ("[(2;%a%) - (2;%b_no-c%)] > [(1;%b_no-c%) - (1;%a%)]", True),
        ("((2;%a%) - (2;%b_no-c%)) < ((1;%b_no-c%) - (1;%a%))", False),
        # from left to right: (5 - 3) - 4 is -2, not 6
        ("(2;%a%) - (1;%a%) - (1;%b_no-c%) < 0", True),
        ("(2;%a%) - [(1;%a%) - (1;%b_no-c%)] = 6", True),
        ("(1;%a%) + 1.5 > (1;%b_no-c%)", True),
        ("(1;%a%) - (2;%a%) < -1.5", True),
        ("-(1;%a%) > -(2;%a%)", True),
        ("(1;%b_no-c%) = (1;%near%)", True),  # within 1e-3
        ("(1;%a%) = (1;%b_no-c%)", False),
        ("(1;%a%) < (2;%a%) & (1;%a%) > (2;%a%)", False),
        ("(1;%a%) < (2;%a%) | (1;%a%) > (2;%a%)", True),
        # & and | bind equally: (true | true) & false, not true | (true & false)
        ("(1;%a%) < (2;%a%) | (1;%a%) < (2;%a%) & (1;%a%) > (2;%a%)", False),
        ("(1;%a%) < (2;%a%) | [(1;%a%) < (2;%a%) & (1;%a%) > (2;%a%)]", True),
        ("[[(1;%a%) < (2;%a%)]]", True),
        ("(1;%none%) < (1;%a%)", None),
        ("(1;%a%) < (2;%a%) | (1;%none%) < (1;%a%)", None),
    ],
)
def test_a_prediction_holds_or_not(written: str, expected: bool | None) -> None:
    formula = parse(written)
    assert formula.holds(bits) is expected


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "ends too early"),
        ("(1;%a%)", "nothing is compared"),
        ("(1;%a%) <", "ends too early"),
        ("(1;%a%) < (2;%a%", "from here: ;%a%"),
        ("[(1;%a%) < (2;%a%)", "ends too early"),
        ("[(1;%a%) < (2;%a%))", "from here: )"),
        ("(1;%a%) < (2;%a%) < (3;%a%)", "from here: < (3;%a%)"),
        ("(1;%a%) & (2;%a%)", "a number is where a comparison should be"),
        ("[(1;%a%) < (2;%a%)] + 1 > 2", "a comparison is where a number should be"),
        ("(1;%a%) <= (2;%a%)", "from here: = (2;%a%)"),
        ("(one;%a%) < (2;%a%)", "from here: one"),
        ("(1;%a%) < (2;%a%) and more", "from here: and more"),
        ("__import__('os')", "from here"),
    ],
)
def test_what_is_no_prediction_is_refused_with_the_reason(written: str, why: str) -> None:
    with pytest.raises(Malformed) as refusal:
        parse(written)
    assert why in str(refusal.value)


def test_a_long_formula_is_read_and_an_endless_one_refused() -> None:
    formula = parse(" & ".join(["(1;%a%) < (2;%a%)"] * 200))
    assert formula.holds(bits) is True
    for endless in ("[" * 5000, " & ".join(["(1;%a%) < (2;%a%)"] * 5000)):
        with pytest.raises(Malformed, match="it is too long"):
            parse(endless)
