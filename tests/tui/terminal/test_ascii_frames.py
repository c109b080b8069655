"""With `ascii: true` the app itself draws nothing that a terminal could show askew."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color

from tests.support.fake_engine import answered, make, running
from tests.support.screen_host import seen, until
from tui.config.settings import Settings
from tui.terminal.ascii_frames import AsciiFilter


@pytest.mark.parametrize(
    ("drawn", "ascii_drawn"),
    [
        ("╭──╮", "+--+"),
        ("│ x┃", "| x|"),
        ("├─┼─┤", "+-+-+"),
        ("▔▁▊▌█▓", "-_||##"),
        ("語 …", "語 …"),
    ],
)
def test_each_piece_takes_the_cells_it_took(drawn: str, ascii_drawn: str) -> None:
    background = Color(0, 0, 0)
    (line,) = AsciiFilter().apply([Segment(drawn)], background)
    assert line.text == ascii_drawn
    assert cell_len(line.text) == cell_len(drawn)


async def test_every_place_is_ascii(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(ascii=True))
    async with running(app, size=(170, 30)) as pilot:
        await pilot.press("f3", "f5")
        await answered(pilot, app)
        for key in ("f6", "ctrl+s", "f7", "f1", "f8", "f9", "f10"):
            await pilot.press(key)
            await pilot.pause()
            drawn = seen(app).replace("羽田空港に到着、東京の街は", "")
            assert drawn.isascii(), (key, sorted(set(drawn) - set(map(chr, range(128)))))
            await pilot.press("escape")
            await until(pilot, lambda: app.at_panes)
