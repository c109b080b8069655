"""The keys on a card: footer, help and palette name those that do something there, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.app import TsuzukiApp
from tui.cards import FillCard
from tui.keys.actions import BY_ID
from tui.screens.help import HelpScreen

ON_TEXTS = {
    "word_next",
    "word_ends",
    "swap",
    "step",
    "tree",
    "path_next",
    "samplers",
    "replay",
    "likeliest",
}
SOME = {
    *ON_TEXTS,
    "swap_nth_1",
    "heat",
    "continue_from_end",
    "other_model",
    "shuffles",
    "open_document",
    "ask_words",
    "pair_table",
}
"""What only some cards have; every card can be run again, copied and the like."""
TEXT = ON_TEXTS | {"swap_nth_1", "heat", "continue_from_end", "other_model"}
HAS = [
    ("f2", ("a text",), ("f5",), TEXT),
    ("f2", ("a text",), ("ctrl+f",), TEXT),
    ("f3", ("one [MASK]",), ("f5",), {"swap_nth_1", "ask_words"}),
    ("f3", ("[MASK] and [MASK]",), ("f5",), {"swap_nth_1", "ask_words", "pair_table"}),
    ("f3", ("no mask",), ("f5",), {"heat"}),
    ("f3", ("a sentence",), ("ctrl+d", *" too", "f5"), set[str]()),
    ("f4", ("It rains.", "It pours."), ("f5",), {"other_model", "shuffles"}),
    ("f4", ("It rains. It pours.", ""), ("ctrl+d", "escape"), {"open_document"}),
]


def active(app: TsuzukiApp) -> set[str]:
    return {each.binding.id or "" for each in app.screen.active_bindings.values()}


def commands(app: TsuzukiApp) -> set[str]:
    """The titles in the palette, without their keys."""
    return {title.split("  (")[0] for title, _, _ in app.commands(app.screen)}


def name(action: str) -> str:
    """What the help page calls it."""
    family = BY_ID[action].family
    return f"[{family}_1 ...]" if family else f"[{action}]"


@pytest.mark.parametrize(("to_pane", "written", "keys", "has"), HAS)
async def test_a_card_has_its_own_keys_and_no_other(
    to_pane: str, written: tuple[str, ...], keys: tuple[str, ...], has: set[str], tmp_path: Path
) -> None:
    app = make(tmp_path)
    async with running(app, size=(120, 200)) as pilot:
        await pilot.press(to_pane)
        for composer, each in zip(pane(app).composers, written, strict=True):
            composer.fill(each)
        await pilot.press(*keys)
        await answered(pilot, app)
        await pilot.press("shift+tab")
        await until(pilot, lambda: pane(app).transcript.has_focus)
        assert active(app) & SOME == has
        found = commands(app)
        assert {i for i in SOME if BY_ID[i].title in found} == {i for i in has if BY_ID[i].command}
        footer = seen(app).splitlines()[-1]
        shown = {i for i in SOME if f" {BY_ID[i].title} " in footer}
        assert shown == {i for i in has if BY_ID[i].show}
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        page = " ".join(seen(app).split())
        assert {i for i in SOME if name(i) in page} == has


async def test_the_keys_follow_the_cursor_from_card_to_card(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, size=(120, 40)) as pilot:
        await pilot.press("f3", "enter")
        await answered(pilot, app)
        pane(app).composers[0].fill("no mask")
        await pilot.press("f5")
        await answered(pilot, app, 2)
        await pilot.press("shift+tab")
        await until(pilot, lambda: " v Heat " in seen(app) and "Ask words" not in seen(app))
        await pilot.press("home")
        await until(pilot, lambda: " v Heat " not in seen(app) and "Ask words" in seen(app))


async def test_the_key_of_a_table_comes_with_the_answer(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).composers[0].fill("[MASK] and [MASK]")
        await pilot.press("f5")
        await answered(pilot, app)
        card = pane(app).transcript.card
        assert isinstance(card, FillCard)
        await pilot.press("shift+tab")
        await until(pilot, lambda: " x Table " in seen(app))
        whole, card.result = card.result, None
        pane(app).transcript.update_card(card.id, "", None)
        await until(pilot, lambda: " x Table " not in seen(app))
        card.result = whole
        pane(app).transcript.update_card(card.id, "", None)
        await until(pilot, lambda: " x Table " in seen(app))


async def test_without_cards_the_palette_offers_nothing_of_theirs(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app):
        found = commands(app)
        assert not {BY_ID[i].title for i in SOME | {"rerun", "copy", "delete"}} & found
        assert {BY_ID["undo"].title, BY_ID["choose_model"].title} <= found
