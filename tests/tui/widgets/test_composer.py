"""Writing: keys, pastes and line breaks."""

from __future__ import annotations

from pathlib import Path

from textual.events import Key, Paste

from tests.tui.hosts import seen, until
from tests.tui.tasks import answered, make, pane, running
from tui.settings import Settings


async def test_ctrl_j_breaks_a_line_and_enter_can_be_made_to(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(enter_sends=False))
    async with running(app) as pilot:
        box = pane(app).composers[0]
        box.fill("a")
        await pilot.press("ctrl+j", "b", "enter", "c")
        assert box.text == "a\nb\nc"
        await pilot.press("f5")
        await answered(pilot, app)


async def test_what_a_terminal_would_obey_is_kept_and_drawn_as_a_mark(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        box = pane(app).composers[0]
        box.fill("")
        box.post_message(Paste("a\x1b]0;x\x07\r\nb\u202e\u200b\ud800"))
        await until(pilot, lambda: bool(box.text))
        assert box.text == "a\x1b]0;x\x07\nb\u202e\u200b\ufffd"
        assert box.document.lines == ["a␛]0;x␇", "b\ufffd␢\ufffd"]
        await until(pilot, lambda: "a␛]0;x␇" in seen(app))


async def test_keys_that_come_in_a_burst_keep_their_order(tmp_path: Path) -> None:
    app = make(tmp_path)
    burst = [*"bc", "home", *"a", "end", "ctrl+j", *"dx", "left", "delete", *"e", "up", *"!"]
    async with running(app) as pilot:
        await pilot.press("ctrl+u")
        for key in burst:  # a slow line delivers many at once
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: "!" in pane(app).composers[0].text)
        await pilot.pause()
        assert pane(app).composers[0].text == "ab!c\nde"
