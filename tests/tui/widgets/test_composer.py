"""Writing: keys, pastes and line breaks."""

from __future__ import annotations

from pathlib import Path

from textual.events import Key, Paste

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.config.settings import Settings
from tui.widgets.holding import LONG_LINE, LONG_TEXT


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


async def test_what_is_typed_right_behind_the_key_of_a_new_session_is_written_there(
    tmp_path: Path,
) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        before = pane(app).composers[0].text
        session = app.history.session
        for key in ["a", "ctrl+n", *"bc"]:  # a slow line delivers many at once
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: pane(app).composers[0].text == "bc")
        await pilot.pause()
        assert pane(app).composers[0].text == "bc"
        old = await app.history.read(session)
        assert old is not None and old.drafts["continue"].text == f"{before}a"


async def test_a_very_long_text_is_held_out_of_the_editor(tmp_path: Path) -> None:
    long = "word " * (LONG_LINE // 5)
    app = make(tmp_path)
    async with running(app) as pilot:
        box = pane(app).composers[0]
        box.fill("before after")
        box.move_cursor((0, 7))
        box.post_message(Paste(long))
        await until(pilot, lambda: bool(box.document.held))
        whole = f"before {long}after"
        assert (box.text, box.document.lines) == (whole, ["after"])
        await until(pilot, lambda: f"{len(long) + 7:,} characters" in str(box.border_title))
        await pilot.press("x", "end", "y")
        assert box.text == f"before {long}xaftery"
        assert box.offset_of((0, 1)) == len(f"before {long}x")
        box.replace_range(len(f"before {long}"), len(f"before {long}x"), "")
        await pilot.press("home", "backspace")
        assert box.text == "aftery"
        await pilot.press("ctrl+z")
        assert box.text == f"before {long}aftery"
        for _ in range(20):  # as many steps as the letters were saved in
            if box.document.held and box.document.edited:
                await pilot.press("ctrl+z")
        assert box.text == "before after"
        await pilot.press("ctrl+y")
        assert box.text == whole
        await until(pilot, lambda: pane(app).draft.text == whole)
        box.fill("short")
        assert (box.text, box.document.held) == ("short", "")
        box.fill("a\n" * LONG_TEXT)
        assert (box.text, box.document.edited) == ("a\n" * LONG_TEXT, "")


async def test_letters_right_behind_the_key_of_a_pane_land_in_it(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        for each in app.panes.values():
            for composer in each.composers:
                composer.fill("")
        await pilot.pause()
        burst = ["a", "f3", *"bc", "f4", "d", "f2", "e", "ctrl+t", "f"]
        for key in burst:  # a slow line delivers many at once
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: "f" in app.panes["fill"].composers[0].text)
        written = {name: each.composers[0].text for name, each in app.panes.items()}
        assert written == {"continue": "ae", "fill": "bcf", "score": "d"}


async def test_letters_right_behind_tab_land_in_the_next_editor(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f4")
        first, second = pane(app).composers
        first.fill("")
        second.fill("")
        first.focus()
        await pilot.pause()
        for key in ["a", "tab", *"many", "tab", *"keys"]:  # no card: only the editors take letters
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: first.text.endswith("s"))
        assert (first.text, second.text) == ("akeys", "many")


async def test_letters_right_behind_one_that_is_no_command_follow_it(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab")
        assert pane(app).transcript.has_focus
        for key in "Yours":  # among the cards, only Y is no command
            app.post_message(Key(key, key))
        await until(pilot, lambda: pane(app).composers[0].text == "Yours")
