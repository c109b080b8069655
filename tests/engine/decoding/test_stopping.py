"""Stop strings: none is ever shown, no other text is ever lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.decoding.stopping import StopStrings

ALPHABET = "ab\n続"
TEXTS = st.text(ALPHABET, max_size=30)
STOPS = st.lists(st.text(ALPHABET, min_size=1, max_size=4), max_size=3)


def shown(stops: list[str], pieces: list[str]) -> tuple[str, bool]:
    """All that gets through, and whether a stop string ended it."""
    strings = StopStrings(stops)
    text = ""
    for piece in pieces:
        part, met = strings.push(piece)
        text += part
        if met:
            return text, True
    return text + strings.flush(), False


def expected(stops: list[str], text: str) -> tuple[str, bool]:
    """The longest stop string at the first place where one is complete, by looking everywhere."""
    for end in range(1, len(text) + 1):
        sizes = [len(stop) for stop in stops if text[:end].endswith(stop)]
        if sizes:
            return text[: end - max(sizes)], True
    return text, False


@given(stops=STOPS, text=TEXTS, cuts=st.lists(st.integers(0, 30)))
def test_the_text_before_the_first_stop_string_whatever_the_pieces(
    stops: list[str], text: str, cuts: list[int]
) -> None:
    edges = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[start:stop] for start, stop in itertools.pairwise(edges)]
    assert shown(stops, pieces) == expected(stops, text)


@given(stops=STOPS, text=TEXTS)
def test_no_more_is_held_back_than_could_begin_a_stop_string(stops: list[str], text: str) -> None:
    strings = StopStrings(stops)
    so_far, met = strings.push(text)
    if not met:
        held = text[len(so_far) :]
        assert held == "" or any(stop.startswith(held) for stop in stops)


def test_a_false_start_is_let_through_with_what_follows() -> None:
    strings = StopStrings(["\n\n"])
    assert strings.push("one\n") == ("one", False)
    assert strings.push("two") == ("\ntwo", False)
    assert strings.push("\n") == ("", False)
    assert strings.push("\nthree") == ("", True)


@pytest.mark.parametrize("stops", [["abcd", "bc"], ["bc", "abcd"]])
def test_the_stop_string_complete_first_counts(stops: list[str]) -> None:
    assert StopStrings(stops).push("xabcd") == ("xa", True)
