"""What a terminal sends: pastes, broken sequences, every character."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual.events import Key, Paste
from textual.message import Message

from tui.terminal import TerminalParser

START, END = "\x1b[200~", "\x1b[201~"

CHARACTERS = st.characters(exclude_categories=["Cs"])
SENT = st.lists(
    CHARACTERS.map(str) | st.sampled_from([START, END, "\x1b", "\x1b[", "\x1b[20", "~"])
)


def parsed(parser: TerminalParser, *reads: str) -> list[Message]:
    return [event for read in reads for event in parser.feed(read)]


@given(SENT.map("".join), st.lists(st.integers(0, 80)))
@example("hello \x1b\x11 world", [3, 9])
@example("\x1b[31mred\r\x1b[0m", [])
@example(f"{START}\x1b[20", [7, 8])
def test_all_that_is_pasted_is_text_however_it_is_cut(text: str, cuts: list[int]) -> None:
    text = text.replace(END, "")
    sent = f"{START}{text}{END}"
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    reads = [sent[start:end] for start, end in pairwise(places)]
    before, pasted, after = parsed(TerminalParser(), "a", *reads, "b")
    assert isinstance(before, Key)
    assert isinstance(pasted, Paste)
    assert isinstance(after, Key)
    assert (before.character, pasted.text, after.character) == ("a", text, "b")


def test_a_paste_that_lost_its_end_is_text_and_keys_are_keys_again() -> None:
    parser = TerminalParser()
    assert parsed(parser, f"{START}never \x11", "ends\x1b[2") == []
    assert parser.pasting
    (paste,) = parser.end_paste()
    assert isinstance(paste, Paste)
    assert paste.text == "never \x11ends\x1b[2"
    (key,) = parsed(parser, "\x11")
    assert isinstance(key, Key)
    assert key.key == "ctrl+q"
    (paste,) = parsed(parser, f"{START}next{END}")
    assert isinstance(paste, Paste)
    assert paste.text == "next"


@pytest.mark.parametrize(
    "broken",
    [
        "\x1b[99999999999u",
        "\x1b[1;1:1A",
        "\x1b[48;0;0;0;0t\x1b[?2048;1$y\x1b[<0;1;1M",
        "\x1b[1114112;1u",
    ],
)
def test_a_sequence_that_cannot_be_read_costs_nothing_else(broken: str) -> None:
    events = parsed(TerminalParser(), f"{broken}ab")
    typed = [event.character for event in events if isinstance(event, Key)]
    assert typed[-2:] == ["a", "b"]


@given(SENT.map("".join))
def test_no_input_is_too_much_for_it(sent: str) -> None:
    parsed(TerminalParser(), sent, *sent)
