"""What a terminal sends: pastes, broken sequences, every character."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input, TextArea

from tui.terminal.driver import Key, TerminalParser

START, END = "\x1b[200~", "\x1b[201~"

CHARACTERS = st.characters(exclude_categories=["Cs"])
SENT = st.lists(
    CHARACTERS.map(str) | st.sampled_from([START, END, "\x1b", "\x1b[", "\x1b[20", "~"])
)

TYPED = "\u3000\u00a0\u200b\u200c\u200d\u200f\u00ad\ufeff\u0301\ue000\u0378\U0010fffd"


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


def test_more_letters_at_once_than_hands_can_type_are_a_paste() -> None:
    written = "delete nothing: these are letters, 続き"
    up, burst, enter, key = parsed(TerminalParser(), "\x1b[A", f"{written}\rd")
    assert isinstance(burst, Paste)
    assert burst.text == written
    for each, name in ((up, "up"), (enter, "enter"), (key, "d")):
        assert isinstance(each, Key)
        assert each.key == name


@pytest.mark.parametrize("sent", ["j" * 200, "a quick prompt", "\x1b]11;rgb:" + "ffff/" * 20])
def test_a_letter_held_down_some_letters_and_a_sequence_are_no_paste(sent: str) -> None:
    half = len(sent) // 2
    for events in (
        parsed(TerminalParser(), sent),
        parsed(TerminalParser(), sent[:half], sent[half:]),
    ):
        assert not [event for event in events if isinstance(event, Paste)]


@given(SENT.map("".join))
def test_no_input_is_too_much_for_it(sent: str) -> None:
    parsed(TerminalParser(), sent, *sent)


@pytest.mark.parametrize("typed", TYPED)
def test_every_character_that_is_typed_is_text(typed: str) -> None:
    for sent in (typed, f"\x1b[{ord(typed)};;{ord(typed)}u"):  # the second as kitty sends it
        (key,) = parsed(TerminalParser(), sent)
        assert isinstance(key, Key)
        assert (key.character, key.is_printable) == (typed, True)


@pytest.mark.parametrize("control", ["\x00", "\t", "\r", "\x11", "\x7f", "\x1b[A", "\x1bOP"])
def test_a_control_key_writes_nothing(control: str) -> None:
    (key,) = parsed(TerminalParser(), control)
    assert isinstance(key, Key)
    assert not key.is_printable


def test_half_a_character_is_a_mark() -> None:
    (key,) = parsed(TerminalParser(), "\x1b[55296u")
    assert isinstance(key, Key)
    assert key.character == "\ufffd"


class Fields(App[None]):
    def compose(self) -> ComposeResult:
        yield TextArea()
        yield Input()


async def test_every_field_takes_them() -> None:
    async with Fields().run_test() as pilot:
        for kind in (TextArea, Input):
            pilot.app.query_one(kind).focus()
            await pilot.pause()
            for event in parsed(TerminalParser(), f"a{TYPED}b"):
                pilot.app.post_message(event)
            await pilot.pause()
        assert pilot.app.query_one(TextArea).text == f"a{TYPED}b"
        assert pilot.app.query_one(Input).value == f"a{TYPED}b"
