"""Cards taller than the window, and windows that change."""

from __future__ import annotations

from pathlib import Path

from tests.support.fake_engine import TaskEngine, make, pane, running
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming, write


async def test_up_and_down_scroll_through_a_tall_card_before_leaving_it(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 60)
        view = pane(app).transcript
        await pilot.press("shift+tab")
        await until(pilot, lambda: view.scroll_offset.y == 0)
        await pilot.press("down")
        await until(pilot, lambda: view.scroll_offset.y > 0)
        await pilot.press("right", "right")
        await until(pilot, lambda: "line 1\n" in seen(app) or "line 1 " in seen(app))


async def test_a_narrower_window_lays_everything_out_anew(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 60)
        await pilot.resize_terminal(50, 16)
        await until(pilot, lambda: "line 59" in seen(app))
        assert max(len(line) for line in seen(app).splitlines()) <= 50
