"""Small questions are boxes in the middle of what they are asked over."""

from __future__ import annotations

import pytest

from tests.support.screen_host import Host
from tui.screens.dialogs import Ask, Confirm, Dialog


@pytest.mark.parametrize("dialog", [Confirm("Sure?", "Yes"), Ask("Which?")], ids=["confirm", "ask"])
async def test_a_dialog_is_a_box_in_the_middle(dialog: Dialog) -> None:
    app = Host(lambda shared, host: dialog)
    async with app.run_test(size=(80, 24)):
        box = app.screen.query_one(".box")
        above, below = box.region.y, 24 - box.region.bottom
        left, right = box.region.x, 80 - box.region.right
        assert abs(above - below) <= 1
        assert abs(left - right) <= 1
        assert left > 0
        assert box.styles.border_top[0] == "round"
