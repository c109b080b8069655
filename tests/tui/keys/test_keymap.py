"""The registry of actions and the user's keymap over it."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.keys import format_key
from textual.widgets import Static

from tui.config.settings import Loaded, Settings
from tui.keys import keymap
from tui.keys.actions import (
    ACTIONS,
    BY_ID,
    ON_CARDS,
    UNBOUND,
    Action,
    CardAction,
    CardKind,
    bindings,
    enclosing,
)


def resolve(asked: dict[str, str | list[str]], *, enter_sends: bool = True) -> keymap.Keymap:
    settings = Settings(keymap=asked, enter_sends=enter_sends)
    return keymap.resolve(Loaded(Path("s"), settings))


def messages(found: keymap.Keymap) -> list[str]:
    return [problem.message for problem in found.problems]


def test_ids_are_unique_and_explained() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        assert action.title
        assert action.help.endswith(".")


def test_the_pane_is_asked_for_what_it_can_do() -> None:
    asked = {arguments[0] for name, arguments in ON_CARDS if name == "want"}
    assert asked == set(get_args(CardAction))


def test_an_action_works_on_its_kinds_of_card_and_no_other() -> None:
    kinds: tuple[CardKind, ...] = get_args(CardKind)
    for action in ON_CARDS.values():
        assert action.works_on(()) == (not action.cards)
        if action.cards:
            assert {kind for kind in kinds if action.works_on((kind,))} == set(action.cards)


def test_default_keys_can_be_sent_and_are_safe() -> None:
    letters = set("cdfglnopqrstuj")
    for action in ACTIONS:
        for key in action.keys:
            assert key in keymap.KNOWN, (action.id, key)
            if key.startswith("ctrl+"):
                assert key.removeprefix("ctrl+") in letters, (action.id, key)


@pytest.mark.parametrize("enter_sends", [True, False])
def test_default_keys_do_not_meet(enter_sends: bool) -> None:
    keys = keymap.defaults(enter_sends=enter_sends)
    for one, other in combinations(ACTIONS, 2):
        if one.where in enclosing(other.where) or other.where in enclosing(one.where):
            assert not set(keys[one.id]) & set(keys[other.id]), (one.id, other.id)


def test_every_printed_name_of_a_sign_is_textuals() -> None:
    for sign, name in keymap.SIGNS.items():
        assert format_key(name) == sign


def test_without_a_keymap_nothing_changes() -> None:
    found = resolve({})
    assert not found.problems
    assert not found.changes()
    assert found.shown("quit") == "Ctrl+Q"


def test_enter_as_a_newline_moves_one_key() -> None:
    assert resolve({}, enter_sends=False).changes() == {"send": "f5", "newline": "ctrl+j,enter"}


def test_a_key_is_taken_from_the_default_in_its_way() -> None:
    found = resolve({"chat": "ctrl+g", "rerun": ["R", "?"]})
    assert found.changes() == {
        "chat": "ctrl+g",
        "accept_offer": UNBOUND,
        "rerun": "R,question_mark",
    }
    assert messages(found) == ["chat takes Ctrl+G; accept_offer has no key"]


def test_keys_of_places_that_never_meet_may_be_the_same() -> None:
    assert not resolve({"models_pull": "r", "sessions_rename": "r"}).problems


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"sned": "f5"}, 'there is no action "sned"; did you mean "send"?'),
        ({"chat": "ctrl+i"}, "ctrl+i is what a terminal sends for tab"),
        ({"chat": "ctrl+1"}, "ctrl+1 is not a key that every terminal sends"),
        ({"chat": "shift+enter"}, "shift+enter is not a key that every terminal sends"),
        ({"chat": "alt+x"}, "alt+x is not a key that every terminal sends"),
        ({"chat": "f55"}, "f55 is not a key that every terminal sends; did you mean"),
        ({"send": "x"}, "x would be typed into the text, so send cannot have it"),
        ({"chat": "f12", "sampling": "F12"}, "F12 is already given to chat; that one counts"),
        ({"chat": "ctrl+q"}, "Ctrl+Q is the only key of quit, which must have one"),
        ({"quit": []}, "quit must have a key; it has Ctrl+Q again"),
        ({"quit": "", "chat": "ctrl+q"}, "quit must have a key; it has Ctrl+Q again"),
    ],
)
def test_what_cannot_be_is_explained(asked: dict[str, str | list[str]], complaint: str) -> None:
    found = resolve(asked)
    assert any(message.startswith(complaint) for message in messages(found)), messages(found)
    assert found.keys["quit"] == ("ctrl+q",)


KEYS = st.sampled_from(sorted(keymap.KNOWN)) | st.text(max_size=8)
ASKED = st.dictionaries(
    st.sampled_from([action.id for action in ACTIONS]) | st.text(max_size=8),
    KEYS | st.lists(KEYS, max_size=3),
    max_size=12,
)


@given(ASKED, st.booleans())
def test_whatever_is_asked_nobody_is_locked_in(
    asked: dict[str, str | list[str]], enter_sends: bool
) -> None:
    found = resolve(asked, enter_sends=enter_sends)
    for action in ACTIONS:
        assert set(found.keys[action.id]) <= keymap.KNOWN
        if action.required:
            assert found.keys[action.id], action.id
    for one, other in combinations(ACTIONS, 2):
        if one.where in enclosing(other.where) or other.where in enclosing(one.where):
            assert not set(found.keys[one.id]) & set(found.keys[other.id]), (one.id, other.id)


class Pressed(App[None]):
    BINDINGS = bindings("pane")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Static()

    def action_chat(self) -> None:
        self.seen.append("chat")

    def action_accept_offer(self) -> None:
        self.seen.append("accept_offer")

    def action_system_prompt(self) -> None:
        self.seen.append("system_prompt")


async def test_textual_obeys_the_keymap() -> None:
    app = Pressed()
    asked: dict[str, str | list[str]] = {"chat": "ctrl+g", "system_prompt": ["f12", "?"]}
    async with app.run_test() as pilot:
        await pilot.press("ctrl+o", "ctrl+g")
        assert app.seen == ["chat", "accept_offer"]
        app.set_keymap(resolve(asked).changes())
        await pilot.press("ctrl+o", "ctrl+g", "f12", "?")
        assert app.seen[2:] == ["chat", "system_prompt", "system_prompt"]


def test_an_action_without_keys_is_not_in_the_footer() -> None:
    assert not Action("theme", (), "app", show=True).binding().show
