"""Help knows where it is asked for, and which keys are in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import Static

from tests.support.screen_host import Host, seen, until
from tui.config.settings import Loaded, Settings
from tui.keys.actions import ACTIONS, PARENT, Action, Place, bindings
from tui.screens.base import Overlay
from tui.screens.help import HelpScreen, here


def everything(action: Action) -> bool:
    return True


@pytest.mark.parametrize("place", PARENT)
async def test_every_place_has_its_page(place: Place) -> None:
    app = Host(lambda shared, host: HelpScreen(shared, place, everything))
    async with app.run_test(size=(100, 200)):
        text = " ".join(seen(app).split())  # a name may go on in the next line
        for action in ACTIONS:
            if action.where == place:
                name = f"{action.family}_1 ..." if action.family else action.id
                assert f"[{name}]" in text
        assert "Surprisal" in text
        assert "[quit]" in text


async def test_it_shows_the_users_keys() -> None:
    loaded = Loaded(Path("s"), Settings(keymap={"chat": "f12", "sampling": ""}))
    app = Host(lambda shared, host: HelpScreen(shared, "pane", everything), loaded=loaded)
    async with app.run_test(size=(100, 200)):
        lines = seen(app).splitlines()
        assert any(line.split()[0] == "F12" for line in lines if "[chat]" in line)
        assert any(line.strip().startswith("no key") for line in lines if "[sampling]" in line)


async def test_at_80x24_arrows_scroll_to_the_end() -> None:
    app = Host(lambda shared, host: HelpScreen(shared, "composer", everything))
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Segment id" not in seen(app)
        await pilot.press("end")
        await until(pilot, lambda: "Segment id" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.results == [None])


class Composer(Static, can_focus=True):
    BINDINGS = bindings("composer")


class Pane(Overlay[None]):
    def body(self) -> Iterator[Widget]:
        yield Composer("here")


async def test_it_knows_the_innermost_place() -> None:
    app = Host(lambda shared, host: Pane(shared, ""))
    async with app.run_test() as pilot:
        app.screen.query_one(Composer).focus()
        await pilot.pause()
        assert here(app.screen) == "composer"
        app.screen.set_focus(None)
        await pilot.pause()
        assert here(app.screen) == "screen"
