"""What the three panes have in common: sending, stopping, sizes, and what is there again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.messages import GREEDY, Continue, Done, Fill, Score
from tests.support.fake_engine import TaskEngine, answered, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming
from tui.cards import ContinueCard
from tui.config.settings import Settings
from tui.widgets.transcript import Transcript


async def test_tokens_are_drawn_together_however_fast_they_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    draw = Transcript.update_card

    def counted(self: Transcript, card_id: str, note: str, speed: float | None) -> None:
        card = self.trees.get(card_id)
        assert isinstance(card, ContinueCard)
        drawn.append(sum(len(branch.tokens) for branch in card.branches))
        draw(self, card_id, note, speed)

    monkeypatch.setattr(Transcript, "update_card", counted)
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        for number in range(500):
            answer.put(token("あ", number))
        await until(pilot, lambda: drawn[-1:] == [500])
        for number in range(500):
            answer.put(token("い", number))
            await asyncio.sleep(0)
        await until(pilot, lambda: drawn[-1:] == [1000])
        assert len(drawn) < 100
        answer.put(token("終", 1001))
        answer.put(Done())
        await answered(pilot, app)
        assert "い終" in seen(app)


async def test_the_first_draft_of_each_pane_is_one_enter_from_its_answer(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
    ja, fill, score = engine.tasks()
    assert ja == Continue(
        model="starter-ja", prompt="羽田空港に到着、東京の街は", sampling=GREEDY, max_tokens=43
    )
    assert fill == Fill(
        model="starter-en",
        text="I played [MASK] with my friends at school yesterday",
        hidden=["baseball"],
    )
    assert score == Score(
        model="starter-en",
        a="What is baseball ?",
        b="It is a geme of hitting the ball with the bat.",
        cosine=True,
    )


async def test_after_the_example_a_draft_is_drawn_as_it_was(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(max_tokens=12))
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"hi", "f5")
        await answered(pilot, app, 2)
    first, second = engine.tasks()
    assert isinstance(first, Continue)
    assert isinstance(second, Continue)
    assert (first.sampling.greedy, first.max_tokens) == (True, 12)
    assert (second.sampling.greedy, second.max_tokens, second.prompt) == (True, 12, "hi")


async def test_ctrl_c_stops_when_nothing_is_selected_and_copies_when_something_is(
    tmp_path: Path,
) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        await pilot.press("ctrl+c")
        await answered(pilot, app)
        await pilot.press(*"word", "shift+home", "ctrl+c")
        assert app.clipboard == "word"
        assert "OSC 52" in seen(app)


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (5, 2), (1, 1), (200, 50)])
async def test_any_size_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make(tmp_path)
    async with running(app, size) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
            await pilot.press("shift+tab", "right", "f6", "ctrl+s", "escape", "f7", "escape")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "B→A margin -1.12 nats" in seen(app)


async def test_everything_is_there_at_the_next_start(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        answer.put(token("とても", 1))
        await until(pilot, lambda: "街はとても" in seen(app))
        await pilot.press(*"next")
        await pilot.press("f3")
        pane(app).composers[0].fill("a [MASK] b")
        await pilot.press("ctrl+q")
    again = make(tmp_path)
    async with running(again) as pilot:
        assert "街はとても" in seen(again)
        assert "interrupted" in seen(again)
        card = pane(again).transcript.cards[0]
        assert isinstance(card, ContinueCard)
        assert card.branches[0].tokens[0].rank == 2
        assert pane(again).composers[0].text == "next"
        await pilot.press("f3")
        assert pane(again).composers[0].text == "a [MASK] b"
        await pilot.press("ctrl+n")
        assert pane(again).composers[0].text == ""
        await pilot.press("f2")
        assert pane(again).transcript.cards == []
