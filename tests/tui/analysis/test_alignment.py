"""One text cut in two ways."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import Token
from tui.analysis.alignment import align


def cut(text: str, places: list[int]) -> list[Token]:
    """A token between each two places, some of them empty, as inside a character."""
    ends = sorted(min(place, len(text)) for place in places)
    bounds = [0, *ends, len(text)]
    return [
        Token(
            branch=0,
            id=n,
            text=text[start:end],
            logprob=-float(n + 1),
            sampled_logprob=0,
            rank=1,
            entropy=0,
        )
        for n, (start, end) in enumerate(pairwise(bounds))
    ]


CUTS = st.lists(st.integers(0, 30), max_size=12)


@given(st.text("ab 続き", min_size=1, max_size=30), CUTS, CUTS)
def test_spans_cover_the_text_and_all_surprisal(text: str, one: list[int], two: list[int]) -> None:
    sides = cut(text, one), cut(text, two)
    found = align(*sides)
    assert [part.start for part in found] == [0, *(part.end for part in found[:-1])]
    assert found[-1].end == len(text)
    for number, side in enumerate(sides):
        ours = sum(part.nats[number] for part in found)
        assert ours == pytest.approx(-sum(token.logprob for token in side))


def test_spans_are_the_smallest_that_both_cut() -> None:
    one, two = cut("abcdef", [2, 3]), cut("abcdef", [1, 3, 5])
    assert [(part.start, part.end) for part in align(one, two)] == [(0, 3), (3, 6)]
    assert align(one, two)[0].nats == (3.0, 3.0)
    assert align(one, two)[1].difference == 7 - 3


def test_what_one_side_did_not_score_is_left_out() -> None:
    one, two = cut("abcdef", [2]), cut("cdef", [2])
    assert [(part.start, part.end) for part in align(one, two, 2)] == [(2, 6)]
    assert [(part.start, part.end) for part in align(two, one, -2)] == [(2, 6)]
