"""Who is at the end of a growing text stays there; who is not is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.strip import Strip

from tests.support.fake_engine import TaskEngine, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming, write
from tui.config.settings import Settings


async def test_it_follows_the_text_while_the_reader_is_at_its_end(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 60)
        assert "line 59" in seen(app)
        await write(pilot, app, answer, 60, 60)
        assert "line 119" in seen(app)


async def test_a_reader_further_up_is_left_alone_and_told(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 60)
        await pilot.press("shift+tab", "pageup", "pageup")
        await pilot.pause()
        before = pane(app).transcript.scroll_offset
        await write(pilot, app, answer, 60, 60)
        assert pane(app).transcript.scroll_offset == before
        await until(pilot, lambda: "New text below" in seen(app))
        await pilot.press("end")
        await until(pilot, lambda: "line 119" in seen(app))
        await until(pilot, lambda: "New text below" not in seen(app))


async def test_on_a_slow_line_it_jumps_half_a_window_at_a_time(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine, Settings(low_bandwidth="on"))
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        tops = set()
        for number in range(40):
            await write(pilot, app, answer, number, 1)
            tops.add(pane(app).transcript.scroll_offset.y)
            assert f"line {number}" in seen(app)
        assert len(tops) <= 6
        assert not pane(app).transcript.show_vertical_scrollbar or (
            pane(app).transcript.scrollbar_size_vertical == 0
        )


async def test_a_new_token_draws_only_the_lines_that_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 8)
        view = pane(app).transcript
        drawn: list[int] = []
        draw = view.render_line

        def noted(y: int) -> Strip:
            drawn.append(y)
            return draw(y)

        monkeypatch.setattr(view, "render_line", noted)
        answer.put(token("more", 8))
        await until(pilot, lambda: "more" in seen(app))
        assert drawn
        assert min(drawn) >= 8
