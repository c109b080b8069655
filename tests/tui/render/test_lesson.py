"""A stop as lines, in either language, before anything is answered."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui import strings
from tui.lesson.network import Network
from tui.lesson.progress import Texts
from tui.lesson.stops import STOPS, Stop
from tui.render import lesson
from tui.render.inside.view import View
from tui.render.lesson_answers import Found
from tui.strings import text
from tui.terminal.sanitise import UNICODE

KEYS = {"answer": "a", "train": "Space", "inside": "F12"}
LONG = Texts(begun="東京の街は" * 30, masked="[MASK] " * 60, a="w" * 300, b="x " * 100)


def drawn(stop: Stop, asked: bool, width: int, coming: bool) -> str:
    found: Found = [] if stop.sums else [(ask, []) for ask in stop.shown(LONG)]
    answered: Found = [] if stop.sums else [(ask, []) for ask in stop.answer(LONG)]
    view = View(UNICODE, "", None, width=width)
    own = answered if asked else None
    lines = lesson.lines(stop, found, own, Network(), KEYS, view, coming)
    assert max(cell_len(line.text.rstrip()) for line in lines) <= width
    return "\n".join(line.text for line in lines)


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("width", [60, 79, 199])
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.id)
def test_it_fits_and_says_that_numbers_are_coming_until_they_are_refused(
    stop: Stop, width: int, language: strings.Language
) -> None:
    strings.use(language)
    for asked in (False, True):
        waits = stop.id != "network"
        assert (text("screens.lesson.working") in drawn(stop, asked, width, True)) == waits
        assert text("screens.lesson.working") not in drawn(stop, asked, width, False)
