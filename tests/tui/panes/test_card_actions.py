"""What the keys on the cards do, and the way back to earlier prompts."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.messages import GREEDY, Continue
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.config.settings import Settings


async def test_a_card_can_be_run_again_edited_gone_on_from_and_deleted(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "r")
        await answered(pilot, app, 2)
        assert engine.tasks()[0] == engine.tasks()[1]
        await pilot.press("n")
        await until(pilot, lambda: len(engine.tasks()) == 3)
        await answered(pilot, app, 2)
        onward = engine.tasks()[2]
        assert isinstance(onward, Continue)
        assert onward.prompt == [7, *range(8)]
        assert len(pane(app).transcript.trees.cards) == 3  # a path of the second text's tree
        await pilot.press("home", "d")
        assert len(pane(app).transcript.cards) == 1
        await pilot.press("u")
        assert len(pane(app).transcript.cards) == 2
        assert pane(app).transcript.cards[0].id == pane(app).transcript.chosen
        await pilot.press("e")
        assert pane(app).composers[0].text == "羽田空港に到着、東京の街は"
        assert pane(app).draft.sampling == GREEDY


async def test_a_card_is_copied_and_saved(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(export_folder=str(tmp_path / "out")))
    async with running(app, (100, 24)) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "c")
        assert app.clipboard == "とても静かで、夜は明るい。\nそして"
        await pilot.pause()
        assert "OSC 52" in seen(app)
        await pilot.press("s")
        (saved,) = (tmp_path / "out").iterdir()
        assert "とても静かで" in saved.read_text(encoding="utf-8")


async def test_up_recalls_earlier_prompts_and_down_goes_forward(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"two", "enter")
        await answered(pilot, app, 2)
        box = pane(app).composers[0]
        await pilot.press("up")
        assert box.text == "two"
        await pilot.press("up")
        assert box.text == "羽田空港に到着、東京の街は"
        await pilot.press("up", "down")
        assert box.text == "two"
        await pilot.press("down")
        assert box.text == ""


@pytest.mark.parametrize(
    ("keys", "head"),
    [
        (("f2", "enter"), "sentence,position,word,surprisal_bits,tokens,punctuation"),
        (("f4", "f5"), "a,b,margin,probability,logit_0,logit_1,margin_reversed"),
        (("f3", "ctrl+d", *"x", "enter"), "good,bad,model,good_logprob,bad_logprob,difference"),
    ],
)
async def test_a_card_is_saved_as_a_table(tmp_path: Path, keys: tuple[str, ...], head: str) -> None:
    app = make(tmp_path, settings=Settings(export_folder=str(tmp_path / "out")))
    async with running(app) as pilot:
        await pilot.press(keys[0])
        if keys[0] == "f3":
            pane(app).composers[0].fill("I played it")
        await pilot.press(*keys[1:])
        await answered(pilot, app)
        await pilot.press("shift+tab", "T")
        await until(pilot, lambda: "A table of this text" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: app.at_panes and "Saved to" in seen(app))
    (table,) = (tmp_path / "out").glob("*.csv")
    first, second, *_ = csv.reader(table.read_text().splitlines(keepends=True))
    assert ",".join(first).startswith(head)
    assert len(second) == len(first)
