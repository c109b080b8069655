"""The Fill pane: several masks together, whole words, pseudo-likelihoods and minimal pairs."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from textual.pilot import Pilot

from engine.messages import (
    Cancel,
    Candidate,
    Continue,
    Done,
    Error,
    Fill,
    JointMethod,
    MaskFill,
    Progress,
    PseudoLikelihood,
    WordScore,
)
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running
from tests.support.screen_host import model, seen, until
from tui.app import TsuzukiApp
from tui.cards import Card, FillCard, PairCard, PllCard
from tui.cards.refs import MethodToken, WordList
from tui.config.settings import Settings
from tui.render import fillings
from tui.screens.pair_table import PairTableScreen

METHODS = list(get_args(JointMethod))


async def send(pilot: Pilot[None], app: TsuzukiApp, written: str, count: int = 1) -> Card:
    """Write a text into the Fill pane and have it answered."""
    if app.row.role != "fill":
        await pilot.press("f3")
    pane(app).focus_composer()
    pane(app).composers[0].fill(written)
    await pilot.press("enter")
    await answered(pilot, app, count)
    return pane(app).transcript.cards[-1]


async def test_several_masks_are_filled_by_all_methods_side_by_side(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await send(pilot, app, "[MASK] and [MASK]")
        await until(pilot, lambda: "HCB" in seen(app))
        screen = seen(app)
        (request,) = engine.tasks()
        assert isinstance(request, Fill)
        assert request.joint_methods == METHODS
    rows = screen.splitlines()
    heading = next(row for row in rows if "independent" in row and "HCB" in row)
    assert heading.split("  ")[1].strip() == "independent"
    # The first method begins one word earlier than the next: only it has "tennis".
    alone = next(row for row in rows if "-1.00" in row)
    assert "○" not in alone[:20] and "●" not in alone[:20]
    assert "● it it" in screen  # the fourth word is in every column
    assert "○ baseball" in screen
    assert "no word is ranked first by all" in screen


async def test_one_mask_and_a_causal_model_are_not_filled_jointly(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await send(pilot, app, "one [MASK]")
        pane(app).use_model("starter-ja")
        await send(pilot, app, "[MASK] and [MASK]", 2)
    assert [task.joint_methods for task in engine.tasks() if isinstance(task, Fill)] == [[], []]


async def test_a_joint_filling_is_taken_from_its_column_and_put_back(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        card = await send(pilot, app, "[MASK] and [MASK]")
        await pilot.press("shift+tab", "left")  # the last heading: HCB
        await until(pilot, lambda: pane(app).transcript.ref == WordList("joint", 3))
        await pilot.press("2")
        box = pane(app).composers[0]
        assert box.text == "cards and cards"
        await pilot.press("shift+tab", "u")
        assert box.text == ""
        assert pane(app).transcript.chosen == card.id
        await pilot.press("u")
        assert "nothing to bring back" in seen(app)


async def test_each_word_put_in_can_be_taken_out_again(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        first = await send(pilot, app, "a [MASK] b [MASK] c [MASK]")
        await pilot.press("shift+tab", "2")
        await until(pilot, lambda: len(engine.tasks()) == 2)
        await answered(pilot, app, 2)
        await pilot.press("1")
        await until(pilot, lambda: len(engine.tasks()) == 3)
        await answered(pilot, app, 3)
        last = engine.tasks()[-1]
        assert isinstance(last, Fill)
        assert (last.text, last.joint_methods) == ("a baseball b tennis c [MASK]", [])
        await pilot.press("u")
        assert len(pane(app).transcript.cards) == 2
        await pilot.press("u")
        assert [card.id for card in pane(app).transcript.cards] == [first.id]
        assert pane(app).transcript.chosen == first.id
    again = make(tmp_path)
    async with running(again):
        cards = again.panes["fill"].transcript.cards
        assert [card.wrote for card in cards] == ["a [MASK] b [MASK] c [MASK]"]


async def test_two_masks_have_a_table_of_both_orders(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await send(pilot, app, "[MASK] and [MASK]")
        await pilot.press("shift+tab", "x")
        await until(pilot, lambda: isinstance(app.screen, PairTableScreen))
        await until(pilot, lambda: "-2.5000 (#2)" in seen(app))
        rows = [row.split() for row in seen(app).splitlines()]
        assert ["1", "tennis", "tennis", "-1.0000", "-2.5000", "(#2)", "+1.50"] in rows
        assert ["2", "tennis", "baseball", "-2.0000", "-1.5000", "(#1)", "-0.50"] in rows
        await pilot.press("down", "enter")
        await until(pilot, lambda: pane(app).composers[0].text == "tennis and baseball")


async def test_words_are_asked_for_on_a_card(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    listed = tmp_path / "names.txt"
    listed.write_text("Osaka\nNew York\n\nOsaka\n", encoding="utf-8")
    async with running(app) as pilot:
        await send(pilot, app, "in [MASK]")
        await pilot.press("shift+tab", "a", *"he, she", "enter")
        await until(pilot, lambda: len(engine.tasks()) == 2)
        await answered(pilot, app, 2)
        await until(pilot, lambda: " 3 he (1)" in seen(app))
        assert "13.53%" in seen(app)  # exp(-2)
        await pilot.press("a", "ctrl+u", *str(listed), "enter")
        await until(pilot, lambda: len(engine.tasks()) == 3)
        await answered(pilot, app, 3)
        await until(pilot, lambda: "New York (2)" in seen(app))
        await pilot.press("a", "ctrl+u", *"./none.txt", "enter")
        await until(pilot, lambda: "none.txt cannot be read" in seen(app))
        await pilot.press("left", "1")  # the heading of the words asked for: its best
        assert pane(app).composers[0].text == "in Osaka"
    asked = [task.words for task in engine.tasks() if isinstance(task, Fill)]
    assert asked == [[], ["he", "she"], ["Osaka", "New York"]]


async def test_the_form_sets_what_is_looked_for(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3", "ctrl+s", *"he,they", "down", "down", "ctrl+u", *"3")
        await pilot.press("down", "ctrl+u", *"hbc")
        await until(pilot, lambda: "one of independent" in seen(app))
        await pilot.press("ctrl+u", *"hcb", "enter")
        await until(pilot, lambda: app.at_panes)
        assert "words of 1-3 pieces" in seen(app)
        card = await send(pilot, app, "[MASK] and [MASK]")
        assert isinstance(card, FillCard)
        request = card.request
        assert (request.words, request.pieces) == (["he", "they"], 3)
        assert request.joint_methods == ["hcb"]
        await pilot.press("shift+tab", "home")
        screen = seen(app)
        # The vocabulary's own ranking and whole words stand side by side.
        assert any("tennis" in row and "long2 (2)" in row for row in screen.splitlines())
        assert "long3 (3)" in screen
        pane(app).draft = type(pane(app).draft)(model="starter-en")
        await pilot.press("e")
        draft = pane(app).draft
        assert (draft.words, draft.pieces, draft.joint) == ("he, they", 3, ("hcb",))


async def test_a_text_without_masks_is_judged_and_walked(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        card = await send(pilot, app, "we met")
        assert isinstance(card, PllCard)
        (request,) = engine.tasks()
        assert request == PseudoLikelihood(
            model="starter-en", text="we met", methods=["original", "within_word_l2r"]
        )
        screen = seen(app)
        assert "-5.00 nats, 2 tokens, 3.61 bits/token" in screen
        assert "the same, since every word is one piece" in screen
        assert "we▃ met▅" in screen
        await pilot.press("shift+tab", "right", "right", "f6")
        await until(pilot, lambda: "token 2 of 2" in seen(app))
        assert "4.33 bits" in seen(app)  # 3 nats
        assert "other" in seen(app)  # what else could have stood there
        await pilot.press("f6", "v", "v")
        await until(pilot, lambda: "50 % or more" in seen(app))
        await send(pilot, app, "so unlikely", 2)
        await pilot.press("shift+tab", *["right"] * 4)
        # The second method has a strip of its own.
        assert pane(app).transcript.ref == MethodToken(1, 1)


async def test_a_causal_model_judges_no_text(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).use_model("starter-ja")
        pane(app).composers[0].fill("東京")
        await pilot.press("enter")
        await until(pilot, lambda: "no mask" in seen(app))
    assert engine.tasks() == []


async def compare(pilot: Pilot[None], app: TsuzukiApp) -> None:
    """Write a sentence, keep it, edit its last word, and send it."""
    await pilot.press("f3")
    pane(app).composers[0].fill("the keys were")
    await pilot.press("ctrl+d")
    await until(pilot, lambda: "against: the keys were" in seen(app))
    pane(app).composers[0].fill("the keys is")
    await pilot.press("enter")


async def test_a_minimal_pair_is_scored_by_both_kinds_of_model(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await compare(pilot, app)
        await answered(pilot, app)
        kinds = [(type(task).__name__, task.model) for task in engine.tasks()]
        assert kinds == [
            ("PseudoLikelihood", "starter-en"),
            ("PseudoLikelihood", "starter-en"),
            ("Continue", "starter-ja"),
            ("Continue", "starter-ja"),
        ]
        screen = seen(app)
        assert "A -11.00  B -9.00 nats   B is likelier by 2.00 nats" in screen
        assert "+0.00▁ +0.00▁ -2.00▃" in screen
        assert "starter-ja exact · from left to right" in screen
        await pilot.press("shift+tab", "right", "right", "right", "f6")
        await until(pilot, lambda: "A - B        -2.00 nats" in seen(app))
        await pilot.press("f6", "r")
        await until(pilot, lambda: len(engine.tasks()) == 8)
        await answered(pilot, app, 2)
        await pilot.press("e")
        draft = pane(app).draft
        assert (draft.text, draft.second) == ("the keys is", "the keys were")
        await pilot.press("ctrl+d")
        assert pane(app).draft.second == ""
    again = make(tmp_path)
    async with running(again):
        card = again.panes["fill"].transcript.cards[0]
        assert isinstance(card, PairCard)
        assert card.scored(0) is not None and card.scored(1) is not None


async def test_what_is_no_pair_is_told(tmp_path: Path) -> None:
    engine = TaskEngine([info for info in MODELS if info.id == "starter-en"])
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        box = pane(app).composers[0]
        box.fill("a [MASK]")
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "without masks first" in seen(app))
        box.fill("same")
        await pilot.press("ctrl+d", "enter")
        await until(pilot, lambda: "edit a word" in seen(app))
        box.fill("other")
        await pilot.press("enter")
        await until(pilot, lambda: "No other model here can score the pair" in seen(app))
    assert engine.tasks() == []


async def test_one_model_may_fail_and_the_other_still_answers(tmp_path: Path) -> None:
    class Unable(TaskEngine):
        def events(self, body: object) -> list[object]:  # type: ignore[override]
            if isinstance(body, PseudoLikelihood):
                return [Error(kind="too_big", message="It does not fit.")]
            return list(super().events(body))  # type: ignore[arg-type]

    app = make(tmp_path, Unable())
    async with running(app) as pilot:
        await compare(pilot, app)
        await answered(pilot, app)
        screen = seen(app)
    assert "It does not fit." in screen
    assert "A -" in screen.split("from left to right")[1]


async def test_escape_stops_all_that_a_pair_asks_for(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await compare(pilot, app)
        await until(pilot, lambda: bool(engine.live))
        await pilot.press("escape")
        await answered(pilot, app)
        await until(pilot, lambda: "stopped" in seen(app))
        assert len([task for task in engine.tasks() if isinstance(task, Continue)]) == 1
        assert any(isinstance(body, Cancel) for body in engine.asked)
        await pilot.pause()
        (card,) = pane(app).transcript.cards
        assert isinstance(card, PairCard)
        assert [part.status for part in card.parts] == [
            "done",
            "done",
            "cancelled",
            "interrupted",
        ]


async def test_long_work_says_how_far_it_is(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await compare(pilot, app)
        await until(pilot, lambda: bool(engine.live))
        engine.live[0].put(Progress(done=3, total=8))
        await until(pilot, lambda: "3 of 8 read" in seen(app))
        engine.live[0].put(Done())
        await until(pilot, lambda: len(engine.live) == 2)
        engine.live[1].put(Done())
        await answered(pilot, app)


async def test_all_of_it_is_drawn_in_ascii_too(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(ascii=True))
    async with running(app) as pilot:
        await send(pilot, app, "[MASK] and [MASK]")
        await until(pilot, lambda: "* it it" in seen(app))
        await send(pilot, app, "we met", 2)
        await until(pilot, lambda: "we- met=" in seen(app))


@pytest.mark.parametrize(
    ("chosen", "partner"), [("", "english"), ("starter-ja", "starter-ja"), ("gone", "english")]
)
async def test_the_other_model_is_chosen_or_one_that_knows_the_language(
    tmp_path: Path, chosen: str, partner: str
) -> None:
    english = model("english", heads=["causal"], languages=["en"])
    engine = TaskEngine([*MODELS, english])
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).draft = type(pane(app).draft)(model="starter-en", other=chosen)
        await compare(pilot, app)
        await answered(pilot, app)
    assert {task.model for task in engine.tasks()} == {"starter-en", partner}


def test_the_likeliest_word_of_each_length_stands_on_the_card() -> None:
    scores = {"a b": -9.0, "a": -1.0, "b": -2.0, "a b c": -7.0, "b c d": -8.0}
    mask = MaskFill(
        position=1,
        candidates=[Candidate(id=1, text="a", prob=0.5)],
        whole=[
            WordScore(text=word, ids=[*range(len(word.split()))], logprob=score, rank=1)
            for word, score in scores.items()
        ],
    )
    assert [word.text for word in fillings.whole(mask)] == ["a", "a b c", "a b"]
