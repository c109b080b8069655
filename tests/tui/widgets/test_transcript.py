"""Scrolling, selecting and drawing of long and growing transcripts."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Offset
from textual.pilot import Pilot
from textual.selection import Selection
from textual.strip import Strip

from engine.client import Answer
from engine.messages import Continue
from tests.tui.hosts import seen, until
from tests.tui.tasks import TaskEngine, make, pane, running, started, token
from tui.app import TsuzukiApp
from tui.settings import Settings


async def streaming(pilot: Pilot[None], engine: TaskEngine) -> Answer:
    await pilot.press("enter")
    await until(pilot, lambda: bool(engine.live))
    request = engine.tasks()[-1]
    assert isinstance(request, Continue)
    engine.live[-1].put(started(request))
    return engine.live[-1]


async def write(
    pilot: Pilot[None], app: TsuzukiApp, answer: Answer, first: int, count: int
) -> None:
    """Stream lines and wait until all of them are in the transcript."""
    for number in range(first, first + count):
        answer.put(token(f"line {number}\n", number))
    last = f"line {first + count - 1}"
    await until(pilot, lambda: any(line.text.endswith(last) for line in pane(app).transcript.lines))


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
        await until(pilot, lambda: "new text below" in seen(app))
        await pilot.press("end")
        await until(pilot, lambda: "line 119" in seen(app))
        await until(pilot, lambda: "new text below" not in seen(app))


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


async def test_a_selection_joins_wrapped_lines_and_leaves_indents_out(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        answer.put(token("word " * 30, 1))
        answer.put(token("\nnext", 2))
        await until(pilot, lambda: "next" in seen(app))
        view = pane(app).transcript
        rows = [n for n, line in enumerate(view.lines) if "next" in line.text]
        got = view.get_selection(Selection(Offset(2, 0), Offset(6, rows[0])))
        assert got is not None
        assert got[0] == "羽田空港に到着、東京の街は" + "word " * 30 + "\nnext"


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
