"""F12 looks at the chosen card, else at what is written, in each pane."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.messages import LookInside
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.cards import ContinueCard
from tui.screens.inside import InsideScreen

ASKED = {
    "f2": ("starter-ja", "羽田空港に到着、東京の街は", None),
    "f3": ("starter-en", "I played [MASK] with my friends at school yesterday", None),
    "f4": (
        "starter-en",
        "What is baseball ?",
        "It is a geme of hitting the ball with the bat.",
    ),
}


def looked(engine: TaskEngine) -> list[tuple[str, str | list[int], str | None]]:
    return [(a.model, a.text, a.second) for a in engine.asked if isinstance(a, LookInside)]


@pytest.mark.parametrize("key", ASKED)
async def test_a_draft_is_looked_at(tmp_path: Path, key: str) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press(key, "f12")
        await until(pilot, lambda: looked(engine) == [ASKED[key]])
        assert isinstance(app.screen, InsideScreen)
        await pilot.press("escape")
        await until(pilot, lambda: app.at_panes)


@pytest.mark.parametrize("key", ["f3", "f4"])
async def test_a_card_is_looked_at(tmp_path: Path, key: str) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press(key, "enter" if key == "f3" else "f5")
        await answered(pilot, app)
        await pilot.press("shift+tab", "f12")
        await until(pilot, lambda: looked(engine) == [ASKED[key]])


async def test_a_continuation_is_looked_at_up_to_the_token_under_the_cursor(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right", "right", "right", "f12")
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        ref = pane(app).transcript.ref
        await until(pilot, lambda: bool(looked(engine)))
        assert looked(engine) == [("starter-ja", card.path(0, ref.index), None)]  # type: ignore[union-attr]


async def test_the_text_of_a_fork_is_shown_once(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right", "right", "2")
        await until(pilot, lambda: bool(pane(app).transcript.card.shared))  # type: ignore[union-attr]
        await answered(pilot, app)
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        card.fed = card.prompt + "".join(t.text for t in card.branches[0].tokens[: card.shared])
        pane(app).transcript.focus()
        await pilot.press("f12")
        assert isinstance(app.screen, InsideScreen)
        assert app.screen._looked.written == card.fed


async def test_a_causal_model_is_shown_what_comes_before_a_mask(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).use_model("starter-ja")
        await pilot.press("f12")
        await until(pilot, lambda: looked(engine) == [("starter-ja", "I played", None)])


async def test_nothing_written_is_said(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        pane(app).composers[0].fill("")
        await until(pilot, lambda: not pane(app).draft.text)  # a change takes notices away
        await pilot.press("f12")
        await until(pilot, lambda: "Write a text or choose a card" in seen(app))
