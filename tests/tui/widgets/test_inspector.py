"""Where the details stand, and what they follow."""

from __future__ import annotations

from pathlib import Path

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen


async def test_the_inspector_follows_the_tokens(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "f6", "right", "right")
        await pilot.pause()
        screen = seen(app)
        assert "静か" in screen
        assert "token 2 of 8" in screen
        assert "36.79%" in screen  # exp(-1)
        assert "1.44 bits" in screen  # 1 nat
        assert "2.89 bits" in screen  # 2 nats of entropy
        assert "␣x⏎" in screen
        await pilot.press("left")
        await pilot.pause()
        assert "token 1 of 8" in seen(app)
        await pilot.press("escape")
        assert not pane(app).inspector.display
        await pilot.press("escape")
        assert app.focused is pane(app).composers[0]


async def test_on_a_wide_screen_the_inspector_stands_beside_the_cards(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, (120, 30)) as pilot:
        assert pane(app).inspector.display
        assert pane(app).inspector.region.x > pane(app).transcript.region.x
        await pilot.press("f6")
        assert not pane(app).inspector.display
