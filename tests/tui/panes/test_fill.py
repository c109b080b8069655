"""The Fill pane: masks and what is put in their place."""

from __future__ import annotations

from pathlib import Path

from engine.messages import Fill
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until


async def test_one_key_masks_the_word_and_shows_it_again(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        box = pane(app).composers[0]
        box.fill("we play tennis")
        await pilot.press("ctrl+f")
        assert box.text == "we play [MASK]"
        await pilot.press(*" now", "enter")
        await answered(pilot, app)
        box.fill("we play [MASK]")
        await pilot.press("ctrl+f")
        assert box.text == "we play [MASK]"  # nobody knows what this one hides
        box.fill("odd")
        await pilot.press("ctrl+f", "ctrl+f")
        assert box.text == "odd"
        box.fill("")
        await pilot.press("enter")
        await pilot.pause()
        assert "no mask" in seen(app)
    (request,) = engine.tasks()
    assert isinstance(request, Fill)
    assert (request.text, request.hidden) == ("we play [MASK] now", ["tennis"])


async def test_fill_shows_every_candidate_with_its_number(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3", "enter")
        await answered(pilot, app)
        screen = seen(app)
    assert " 1 tennis   ██████" in screen
    assert "50.00%" in screen
    assert "you hid baseball: 25.00%, rank 2" in screen


async def test_a_candidate_is_put_in_its_place_until_none_is_left(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3", "ctrl+u", *"I play [MASK] and [MASK]", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "2")
        await until(pilot, lambda: len(engine.tasks()) == 2)
        await answered(pilot, app, 2)
        again = engine.tasks()[-1]
        assert isinstance(again, Fill)
        assert again.text == "I play baseball and [MASK]"
        await pilot.press("9")
        assert "no candidate 9" in seen(app)
        await pilot.press("1")
        assert pane(app).composers[0].text == "I play baseball and tennis"
