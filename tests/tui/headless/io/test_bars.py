from __future__ import annotations

from rich.cells import cell_len

from tui.headless.io import bars
from tui.terminal.sanitise import ASCII, UNICODE

WORDS = [("The", 8.0), ("夜は", 2.0), ("unmentionables", 4.0), (".", None)]


def test_bars_are_in_proportion_and_within_the_line() -> None:
    assert list(bars.lines(WORDS, 33, ASCII)) == [
        "The            8.00 #############",
        "夜は           2.00 ###",
        "unmentionab    4.00 ######",
        ".                 –",
    ]
    for width in (20, 33, 80):
        assert all(cell_len(line) <= width for line in bars.lines(WORDS, width, UNICODE))


def test_nothing_and_certain_words_have_no_bar() -> None:
    assert list(bars.lines([], 80, UNICODE)) == []
    assert list(bars.lines([("a", 0.0)], 80, UNICODE)) == ["a    0.00"]
