"""What is selected in laid-out lines."""

from __future__ import annotations

from pathlib import Path

from textual.geometry import Offset
from textual.selection import Selection

from tests.support.fake_engine import TaskEngine, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming


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
