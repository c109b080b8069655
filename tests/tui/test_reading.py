"""Texts that are read, what comes next while writing, other models, and how tokens were drawn."""

from __future__ import annotations

from pathlib import Path

from engine.messages import GREEDY, Cancel, Continue, Trace
from tests.tui.hosts import seen, until
from tests.tui.tasks import TaskEngine, answered, make, pane, running
from tui.cards import ContinueCard
from tui.screens.compare import CompareScreen
from tui.screens.samplers import SamplersScreen


async def test_a_text_is_read_instead_of_gone_on_from(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+u", *"abc", "ctrl+f")
        await answered(pilot, app)
        (asked,) = engine.tasks()
        assert isinstance(asked, Continue)
        assert (asked.prompt, asked.begin, asked.max_tokens) == ("", "abc", 0)
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        assert (card.wrote, card.branches[0].text) == ("abc", "abc")
        assert "only read" in seen(app)
        await pilot.press("shift+tab", "e")
        assert pane(app).composers[0].text == "abc"


async def test_heat_goes_through_its_measures_with_bars_for_each_token(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab")
        for name in ("surprisal", "probability", "entropy", "rank"):
            await pilot.press("v")
            assert f"{name}" in seen(app)
        rows = [line.strip("▌ ") for line in seen(app).splitlines()]
        # Ranks 1, 2 and 3 in turn: the first step, then the one up to ten.
        assert "▁▂▂▁▂▂▁▂" in rows
        await pilot.press("v")
        assert "▁▂▂▁▂▂▁▂" not in seen(app)


async def test_what_comes_next_follows_the_keys(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+u", "ctrl+d", "a")
        await until(pilot, lambda: bool(engine.live))
        await pilot.press("b")
        await until(pilot, lambda: len(engine.live) == 2)
        second = engine.tasks()[-1]
        assert isinstance(second, Continue)
        assert (second.prompt, second.max_tokens, second.sampling) == ("ab", 1, GREEDY)
        assert any(isinstance(asked, Cancel) for asked in engine.asked)
        for event in engine.events(second):
            engine.live[1].put(event)
        await until(pilot, lambda: "1 とても" in seen(app))
        assert pane(app).transcript.cards == []
        await pilot.press("ctrl+d")
        assert "1 とても" not in seen(app)


async def test_another_model_is_asked_the_same_and_both_are_shown(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, size=(100, 30)) as pilot:
        await pilot.press("ctrl+u", *"abc", "ctrl+f")
        await answered(pilot, app)
        await pilot.press("shift+tab", "m")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "3 spans" in seen(app))
        one, other = engine.tasks()
        assert isinstance(other, Continue)
        assert (other.begin, other.max_tokens) == ("abc", 0)
        assert other.model != one.model
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "1 of 3" in seen(app))


async def test_how_a_token_was_drawn_is_shown_step_by_step(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", *["right"] * 4, "z")
        await until(pilot, lambda: isinstance(app.screen, SamplersScreen))
        await until(pilot, lambda: "impossible from here on" in seen(app))
        (asked,) = [body for body in engine.asked if isinstance(body, Trace)]
        assert (asked.ids, asked.watch, asked.branch) == ([7, 0, 1, 2], 3, 0)
        assert "25.00% removed" in seen(app)
        assert "the token that stands there" in seen(app)
        await pilot.press("e")
        await pilot.press("backspace", *"1.5", "enter")
        await until(pilot, lambda: len([b for b in engine.asked if isinstance(b, Trace)]) == 2)
        again = [body for body in engine.asked if isinstance(body, Trace)][-1]
        assert again.sampling.temperature == 1.5
        assert again.sampling.seed == asked.sampling.seed


async def test_a_text_is_made_again_and_compared(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "p")
        await until(pilot, lambda: "The same text" in seen(app))
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        card.branches[0].tokens[2] = card.branches[0].tokens[3]
        await pilot.press("p")
        await until(pilot, lambda: "Differs in branch 1, token 3" in seen(app))
        assert len(pane(app).transcript.cards) == 1
