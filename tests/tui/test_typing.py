"""What is typed is never lost: it is a command where the keys say so, else it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import Key, Paste

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.cards import ContinueCard


@pytest.mark.parametrize("key", ["f2", "f3", "f4"])
async def test_from_every_focus_typing_and_escape_lead_back(tmp_path: Path, key: str) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press(key, "enter", "enter")
        await answered(pilot, app)
        here = pane(app)
        for way in (("shift+tab",), ("f6",), ("f6", "tab"), ("shift+tab", "f6", "tab", "tab")):
            await pilot.press(*way)
            for _ in range(4):
                await pilot.press("tab")
                assert app.focused is not None
            await pilot.press("escape", "escape")
            await pilot.pause()
            assert app.focused is not None
            before = sum(len(each.text) for each in here.composers)
            await pilot.press("Q", "x") if app.focused in here.composers else None
            assert sum(len(each.text) for each in here.composers) == before + 2
            if here.inspector_over:
                await pilot.press("f6")


async def test_a_letter_that_is_no_command_among_the_cards_is_written(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", *"Q猫d")
        assert pane(app).composers[0].text == "Q猫d"
        assert len(pane(app).transcript.cards) == 1
        await pilot.press("ctrl+u")
        assert pane(app).composers[0].text == ""
        await pilot.press("ctrl+z")
        assert pane(app).composers[0].text == "Q猫d"


async def test_what_is_pasted_among_the_cards_is_written_and_runs_no_command(
    tmp_path: Path,
) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        for press in ("shift+tab", "f6"):
            await pilot.press(press)
            app.post_message(Paste("dd猫"))
            await until(pilot, lambda: pane(app).composers[0].text.endswith("dd猫"))
            await pilot.press("ctrl+u")
        assert len(pane(app).transcript.cards) == 1


async def test_letters_right_behind_the_key_for_a_new_session_are_written_in_it(
    tmp_path: Path,
) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        for key in ("ctrl+n", "x", "y"):  # nothing of the app gets a turn between them
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: pane(app).composers[0].text == "xy")


async def test_the_footer_says_what_escape_does(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "f6")
        await until(pilot, lambda: "Esc Close" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Esc" not in seen(app).splitlines()[-1])


async def test_a_word_that_is_put_in_is_taken_back_by_the_next_key(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "1")
        assert "tennis" in pane(app).composers[0].text
        await pilot.press("u")
        assert "tennis" not in pane(app).composers[0].text
        assert pane(app).transcript.has_focus


async def test_going_on_from_the_end_is_a_path_of_the_tree(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "n")
        await until(pilot, lambda: len(pane(app).transcript.trees.cards) == 2)
        root, more = pane(app).transcript.trees.cards
        assert isinstance(root, ContinueCard) and isinstance(more, ContinueCard)
        assert more.origin is not None and more.origin.card == root.id
        assert more.shared == len(root.branches[0].tokens)
        assert pane(app).transcript.cards == [more]
