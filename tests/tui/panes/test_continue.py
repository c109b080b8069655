"""The Continue pane: facts, branches and chat."""

from __future__ import annotations

from pathlib import Path

from engine.messages import Continue, Turn
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running
from tests.support.screen_host import model, seen, until
from tui.config.settings import Settings


async def test_prompt_answer_and_facts_stand_on_the_card(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        screen = seen(app)
    assert "羽田空港に到着、東京の街はとても静かで、夜は明るい。" in screen
    assert "8 tokens · 40.0 tok/s · first 0.12 s" in screen
    assert "greedy" in screen
    assert "40.0 tok/s" in screen.splitlines()[0]


async def test_branches_stand_below_their_prompt_with_their_numbers(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(branches=3))
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"hi", "enter")
        await answered(pilot, app, 2)
        lines = [line.strip() for line in seen(app).splitlines()]
    assert "hi" in lines
    assert [line for line in lines if line.startswith(("1 とても", "2 とても", "3 とても"))]


async def test_a_chat_makes_the_cards_above_its_turns(tmp_path: Path) -> None:
    chatty = model("chatty", roles=["continue"], chat=True, state="ready")
    engine = TaskEngine([*MODELS, chatty])
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "no chat template" in seen(app))
        pane(app).use_model("chatty")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Chat is on" in seen(app))
        await app.run_action("system_prompt", pane(app))
        await pilot.press(*"Be", "enter")
        for text in ("Hello", "More"):
            pane(app).composers[0].fill(text)
            await pilot.press("enter")
            await answered(pilot, app, 1 if text == "Hello" else 2)
    first, second = engine.tasks()
    assert isinstance(first, Continue)
    assert isinstance(second, Continue)
    assert first.chat == [Turn("system", "Be")]
    answer = "とても静かで、夜は明るい。\nそして"
    assert second.chat == [Turn("system", "Be"), Turn("user", "Hello"), Turn("assistant", answer)]
    assert second.prompt == "More"
