"""A part of the screen that is drawn again looks as Textual's own compositor draws it."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import until
from tui.terminal.compositor import PartialCompositor
from tui.widgets.header import Header

REGIONS = (
    [Region(0, 0, 80, 1)],
    [Region(3, 4, 20, 2)],
    [Region(10, 2, 1, 1), Region(0, 23, 40, 1)],
    [Region(0, 1, 80, 20), Region(70, 0, 10, 24)],
)


def drawn(update: object) -> list[str]:
    """The lines of an update, where it has something."""
    assert isinstance(update, ChopsUpdate)
    return [
        Strip.join([strip for strip in update.chops[y].values() if strip is not None]).text
        for y in sorted({y for y, _, _ in update.spans})
    ]


async def test_a_part_looks_as_it_does_drawn_whole(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("f6")  # the details lie over the cards
        await until(pilot, lambda: pane(app).inspector_over)
        compositor = app.screen._compositor
        assert isinstance(compositor, PartialCompositor)
        for regions in REGIONS:
            compositor._dirty_regions.update(regions)
            ours = drawn(compositor.render_partial_update())
            compositor._dirty_regions.update(regions)
            assert ours == drawn(Compositor.render_partial_update(compositor))


async def test_widgets_that_did_not_change_are_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def counted(self: Header, crop: Region) -> list[Strip]:
        asked.append(crop)
        return []

    app = make(tmp_path)
    async with running(app):
        monkeypatch.setattr(Header, "render_lines", counted)
        compositor = app.screen._compositor
        compositor._dirty_regions.add(pane(app).transcript.region)
        assert compositor.render_partial_update() is not None
        assert not asked
