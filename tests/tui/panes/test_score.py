"""The Score pane: two sentences and all who judge them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import OptionList

from engine.messages import Beside, Score
from tests.support.fake_engine import TaskEngine, answered, make, mutual, pane, running
from tests.support.screen_host import seen, until
from tui.cards import ScoreCard
from tui.screens.forms import Picker


async def test_score_takes_two_sentences(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        assert "93.75%" in seen(app)
        assert "A→B margin +2.75 nats" in seen(app)
        assert "Same topic; no witness here judges order." in seen(app)
        assert "cosine of mean states" in seen(app)
        a, b = pane(app).composers
        assert app.focused is a
        await pilot.press(*"One", "enter")
        assert app.focused is b
        await pilot.press(*"Two", "up")
        assert app.focused is a
        await pilot.press("down", "enter")
        await answered(pilot, app, 2)
    assert engine.tasks()[1] == Score(model="starter-en", a="One", b="Two", cosine=True)


@pytest.mark.parametrize(("written", "side"), [((" ", "B"), "A"), (("A", ""), "B")])
async def test_an_empty_side_is_named(written: tuple[str, str], side: str, tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4")
        for composer, each in zip(pane(app).composers, written, strict=True):
            composer.fill(each)
        await pilot.press("f5")
        await until(pilot, lambda: f"Sentence {side} is empty" in seen(app))
    assert engine.tasks() == []


async def test_a_second_model_is_a_witness_on_the_same_card(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, size=(80, 48)) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "m")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        options = app.screen.query_one(OptionList)
        assert next(option.id for option in options.options) == "starter-ja"
        await pilot.press("enter")
        await until(pilot, lambda: "mutual information" in seen(app))
        assert len(pane(app).transcript.cards) == 1
        screen = seen(app)
        assert "next sentence: measures topic, order less · starter-en" in screen
        assert "mutual information: topic and order · starter-ja" in screen
        assert "A→B  +4.30 bits   +2.15 per token" in screen
        assert "Same topic; the reverse order is likelier." in screen
    asked = engine.tasks()[1]
    assert isinstance(asked, Score)
    assert asked.beside == [Beside(model="starter-ja")]


async def test_the_tokens_that_did_it_are_walked_in_both_orders(tmp_path: Path) -> None:
    app = make(tmp_path, TaskEngine())
    async with running(app, size=(80, 48)) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        transcript = pane(app).transcript
        card = transcript.card
        assert isinstance(card, ScoreCard)
        card.result, card.others = mutual("starter-ja"), []
        transcript.update_card(card.id, "", None)
        await pilot.press("shift+tab", "f6", "right")
        await until(pilot, lambda: "after A" in seen(app))
        screen = seen(app)
        assert "1.44 bits" in screen
        assert "7.21 bits" in screen
        assert "+5.77 bits" in screen
        # Of the first token 4 bits and more are saved, of the second it costs one.
        assert "▅▁" in screen
        await pilot.press("right", "right")
        await until(pilot, lambda: "after B" in seen(app))
        assert "+11.54 bits" in seen(app)
        await pilot.press("right")
        await until(pilot, lambda: "not scored" in seen(app))


async def test_a_pair_is_set_against_shuffles_with_a_key(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "percent_sign")
        await until(pilot, lambda: "above 95 % of 20 shuffles of B's words" in seen(app))
        assert len(pane(app).transcript.cards) == 1
    assert [body.shuffles for body in engine.tasks() if isinstance(body, Score)] == [0, 20]
