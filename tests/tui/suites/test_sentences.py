from __future__ import annotations

import math

import pytest

from engine.messages import TextToken
from tui.suites.sentences import joined


@pytest.mark.parametrize(
    ("regions", "text", "starts"),
    [
        (["The", "author", "is"], "The author is", [0, 4, 11]),
        (["As the man", " shot", "", " the woman", "ran"], "As the man shot the woman ran", None),
        (["As the man", " shot", ",", " the woman"], "As the man shot, the woman", [0, 11, 15, 17]),
        (["studied", ", the nurse ran ."], "studied, the nurse ran .", [0, 7]),
        (["studied", " ."], "studied .", [0, 8]),  # here the suite writes a space
        (["the ", " end"], "the end", [0, 4]),
        (["", "the", " ", "end"], "the end", [None, 0, None, 4]),
        (["'the", "end'"], "'the end'", [0, 5]),
        (["東京の", "夜は", "明るい。"], "東京の夜は明るい。", [0, 3, 5]),
        (["i know", "who"], "i know who", [0, 7]),
    ],
)
def test_regions_are_joined_as_the_suite_means_them(
    regions: list[str], text: str, starts: list[int | None] | None
) -> None:
    sentence = joined(range(1, len(regions) + 1), regions)
    assert sentence.text == text
    if starts is not None:
        assert sentence.starts == starts


def test_a_piece_belongs_to_the_region_of_its_first_character_that_is_no_space() -> None:
    sentence = joined([1, 2, 3, 4], ["As he", "shot", "", ", she"])
    assert sentence.text == "As he shot, she"
    places = [(0, 2), (2, 5), (5, 6), (6, 8), (8, 11), (11, 15)]
    #          As      _he     _       sh      ot,      _she
    tokens = [
        TextToken(n, sentence.text[start:end], start, end, -math.log(2) * 2**n)
        for n, (start, end) in enumerate(places)
    ]
    assert sentence.surprisals(tokens) == pytest.approx([1 + 2, 4 + 8 + 16, 0, 32])


def test_a_region_whose_pieces_have_no_figure_has_none() -> None:
    sentence = joined([1, 2], ["As", "he"])
    tokens = [TextToken(1, "As", 0, 2), TextToken(2, " he", 2, 5, -math.log(2))]
    assert sentence.surprisals(tokens) == [None, pytest.approx(1.0)]
