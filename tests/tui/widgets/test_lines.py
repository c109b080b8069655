"""What is selected in laid-out lines, and which of them are drawn again."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from tests.support.fake_engine import TaskEngine, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming, write
from tui.render.flow import Span
from tui.widgets.lines import LinesView


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


async def test_a_row_that_only_scrolls_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make_strip = LinesView._strip

    def counted(
        self: LinesView, row: int, spans: tuple[Span, ...], chosen: tuple[int, int] | None = None
    ) -> Strip:
        made.append(row)
        return make_strip(self, row, spans, chosen)

    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 40)
        await until(pilot, lambda: "line 39" in seen(app))
        monkeypatch.setattr(LinesView, "_strip", counted)
        await write(pilot, app, answer, 40, 1)
        await until(pilot, lambda: "line 40" in seen(app))
        last = len(pane(app).transcript.lines)
        assert made
        assert min(made) >= last - 5


async def test_rows_take_the_colours_of_another_theme(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        await write(pilot, app, answer, 0, 2)
        view = pane(app).transcript

        def colours() -> set[object]:
            strips = view.render_lines(view.size.region)
            return {segment.style.color for strip in strips for segment in strip if segment.style}

        before = colours()
        app.theme = "light"
        await until(pilot, lambda: not before & colours())
