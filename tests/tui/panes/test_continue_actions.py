"""What the keys on a text of Continue do with the whole of it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.messages import Continue
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen
from tui.cards import ContinueCard


@pytest.mark.parametrize("same", [True, False])
async def test_a_text_is_made_again_and_compared(tmp_path: Path, same: bool) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, (100, 24)) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        (card,) = pane(app).transcript.cards
        assert isinstance(card, ContinueCard)
        if not same:
            tokens = card.branches[0].tokens
            tokens[2] = msgspec.structs.replace(tokens[2], id=77, text="昼")
        await pilot.press("shift+tab", "p")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        assert len(engine.tasks()) == 2
        again = engine.tasks()[1]
        assert isinstance(again, Continue)
        assert again.prompt == card.prompt
        assert pane(app).transcript.cards == [card]
        expected = "The same text" if same else "Differs in branch 1, token 3: 昼 is now で、"
        assert expected in seen(app)
