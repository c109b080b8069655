from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from textual.color import Color

from tui.terminal.hostile import HostileFilter
from tui.terminal.sanitise import ASCII, HOSTILE, UNICODE, clean, composed, token

ATTACKS = [
    "\x1b]0;title\x07",
    "\x1b]52;c;aGVsbG8=\x07",
    "\x1b[31mred",
    "\x9b31m",
    "\x90q\x9c",
    "\r\x1b[2K",
    "\x7f\x08",
    "a\u202eb\u2066c",
    "line\u2028break\u2029",
    "half \ud83d of a pair",
    "not\u200bone\ufeff word\u00ad",
    "hidden \U000e0041\U000e0042",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_hostile_stays_and_every_offset_does(attack: str) -> None:
    shown = clean(attack)
    assert not HOSTILE.search(shown)
    assert len(shown) == len(attack)
    shown.encode()


@given(st.text(st.characters(exclude_categories=[])))
def test_cleaning_any_text_gives_one_that_terminals_only_draw(text: str) -> None:
    shown = clean(text)
    assert all(c in "\n\t" or (c >= " " and not 0x7F <= ord(c) <= 0x9F) for c in shown)
    assert clean(shown) == shown
    shown.encode()


def test_harmless_text_is_left_alone() -> None:
    text = "羽田空港 🛫 café\n\tעברית 👨‍👩‍👧"
    assert clean(text) == text


def test_controls_are_told_apart() -> None:
    assert clean("\x1b\x00\x7f") == "␛␀␡"


def test_every_line_end_becomes_a_newline_in_an_editor() -> None:
    assert composed("a\r\nb\rc\nd\x1b\udc80") == "a\nb\nc\nd\x1b\ufffd"


def test_a_token_is_one_visible_line() -> None:
    assert token(" the\n\t", 5, UNICODE) == "␣the⏎⇥"
    assert token(" the\n\t", 5, ASCII) == "_the\\n\\t"
    assert token("\xa0", 5, UNICODE) == "U+00A0"
    assert token("。\u3000", 5, ASCII) == "。U+3000"
    assert token("", 5, UNICODE) == "#5"
    assert token("\x1b[0m", 5, UNICODE) == "␛[0m"


def test_the_filter_cleans_text_and_leaves_control_segments_alone() -> None:
    title = Segment("\x1b]0;mine\x07", None, [(0,)])  # type: ignore[list-item]
    plain = [Segment("safe"), Segment("also safe")]
    there = HostileFilter().apply([Segment("a\x1b[0m"), title], Color(0, 0, 0))
    assert [segment.text for segment in there] == ["a␛[0m", title.text]
    assert HostileFilter().apply(plain, Color(0, 0, 0)) is plain
