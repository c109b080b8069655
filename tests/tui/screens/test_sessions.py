"""The sessions screen, by its keys, over a real session file."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.sample_cards import filled, finished, scored
from tests.support.screen_host import Host, seen, until
from tui.config.settings import Loaded, Settings
from tui.history import History
from tui.history.holders import process
from tui.screens.sessions import SessionsScreen


@asynccontextmanager
async def shown(
    tmp_path: Path, *, held: bool = False
) -> AsyncIterator[tuple[Host, Pilot[None], History]]:
    path = tmp_path / "history.sqlite3"
    history = History(path, print)
    await history.open()
    history.save_card(finished("羽田空港に到着、東京の街は"))
    history.start()
    history.save_card(scored())
    if held:
        await history.sessions()
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE sessions SET holder = ?", (process(1),))
    history.start()
    history.save_card(filled())
    loaded = Loaded(Path("s"), Settings(export_folder=str(tmp_path / "out")))
    app = Host(lambda shared, host: SessionsScreen(shared, history), loaded=loaded)
    try:
        async with app.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: "Sessions: 3" in seen(app))
            yield app, pilot, history
    finally:
        await history.close()


def toasts(app: Host) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_the_latest_session_stands_first_and_the_current_is_marked(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, _pilot, _history):
        lines = seen(app).splitlines()
        assert "I played [MASK] today" in lines[3]
        assert lines[3].startswith(" ● ")
        assert "羽田空港に到着" in lines[5]


async def test_searching_narrows_and_escape_leaves_step_by_step(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, pilot, _history):
        await pilot.press("slash", *"羽田")
        await until(pilot, lambda: "Sessions found: 1" in seen(app))
        assert "I played" not in seen(app)
        await pilot.press("enter", "escape")
        await until(pilot, lambda: "Sessions: 3" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.results == [None])


async def test_letters_in_the_search_are_letters(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, pilot, _history):
        await pilot.press("slash", *"druj")
        await until(pilot, lambda: "Sessions found: 0" in seen(app))
        assert not toasts(app)


async def test_enter_reopens(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, pilot, history):
        wanted = (await history.sessions("羽田"))[0].id
        await pilot.press("down", "down", "enter")
        await until(pilot, lambda: app.results == [wanted])


async def test_a_session_open_elsewhere_is_not_taken(tmp_path: Path) -> None:
    async with shown(tmp_path, held=True) as (app, pilot, _history):
        await pilot.press("down", "enter")
        assert not app.results
        await until(pilot, lambda: any("open in another tsuzuki" in said for said in toasts(app)))


async def test_delete_and_undo(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, pilot, _history):
        await pilot.press("d")
        await until(pilot, lambda: any("session you are in" in said for said in toasts(app)))
        await pilot.press("down", "d")
        await until(pilot, lambda: "Sessions: 2" in seen(app))
        await pilot.press("delete")
        await until(pilot, lambda: "Sessions: 1" in seen(app))
        await pilot.press("u", "u")
        await until(pilot, lambda: "Sessions: 3" in seen(app))
        await pilot.press("u")
        await until(pilot, lambda: any("nothing to bring back" in said for said in toasts(app)))


async def test_rename(tmp_path: Path) -> None:
    async with shown(tmp_path) as (app, pilot, history):
        await pilot.press("r")
        await until(pilot, lambda: "The session's name" in seen(app))
        await pilot.press("ctrl+u", *"朝の実験", "enter")
        await until(pilot, lambda: "朝の実験" in seen(app))
        assert [s.name for s in await history.sessions("朝の")] == ["朝の実験"]


@pytest.mark.parametrize(("key", "form"), [("m", "md"), ("j", "json")])
async def test_export(tmp_path: Path, key: str, form: str) -> None:
    async with shown(tmp_path) as (app, pilot, _history):
        await pilot.press("down", "down", key)
        folder = tmp_path / "out"
        await until(pilot, lambda: any("Saved to" in said for said in toasts(app)))
        (path,) = folder.iterdir()
        assert path.suffix == f".{form}"
        assert "羽田空港に到着、東京の街は" in path.read_text(encoding="utf-8")


async def test_an_export_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    async with shown(tmp_path) as (app, pilot, _history):
        await pilot.press("m")
        await until(pilot, lambda: any("It cannot be saved" in said for said in toasts(app)))
