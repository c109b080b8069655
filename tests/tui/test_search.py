"""Searching in all sessions: what was found is shown, and Enter goes to it."""

from __future__ import annotations

from pathlib import Path

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until


async def test_a_search_shows_the_place_and_opens_at_it(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("f3", "enter")
        await answered(pilot, app)
        found = pane(app).transcript.cards[0]
        await pilot.press("f2", "ctrl+n", "f9", "slash", *"WITH my Fri")
        await until(pilot, lambda: "with my friends at school" in seen(app))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.at_panes and pane(app).role == "fill")
        assert pane(app).transcript.chosen == found.id
        assert pane(app).transcript.has_focus
