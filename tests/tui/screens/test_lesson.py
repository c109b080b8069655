"""The lesson by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from engine.messages import Error
from tests.support.inside_events import InsideEngine
from tests.support.screen_host import Host, seen, until
from tui.lesson import progress
from tui.lesson.progress import Progress, Texts
from tui.lesson.stops import STOPS
from tui.screens.lesson import LessonScreen
from tui.widgets.lines import Page


@asynccontextmanager
async def opened(
    stop: int = 0, engine: InsideEngine | None = None
) -> AsyncIterator[tuple[Host, Pilot[None], list[str]]]:
    kept: list[str] = []
    stored = progress.written(Progress(stop=stop))
    own = engine or InsideEngine()
    app = Host(lambda shared, host: LessonScreen(shared, stored, kept.append), own)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: f"Lesson {stop + 1} of 11" in seen(app))
        yield app, pilot, kept


async def test_the_question_is_answered_by_the_model_on_a_key() -> None:
    async with opened() as (app, pilot, _):
        await until(pilot, lambda: "75.00%" in seen(app) and "Question:" in seen(app))
        await pilot.press("a")
        await until(pilot, lambda: "Answer:" in seen(app))
        engine = app.engine
        assert isinstance(engine, InsideEngine)
        await until(pilot, lambda: len(engine.inside) == 2)
        assert [ask.text for ask in engine.inside] == [Texts().begun, Texts().begun[:-1]]


async def test_the_tokens_of_a_text_are_still_there_when_they_are_drawn_again() -> None:
    async with opened(2) as (app, pilot, _):
        await until(pilot, lambda: "input_ids: tensor([[5, 6, 7]])" in seen(app))
        await pilot.press("p")
        await until(pilot, lambda: "import" in seen(app))
        await pilot.press("p")
        await until(pilot, lambda: "import" not in seen(app))
        assert "input_ids: tensor([[5, 6, 7]])" in seen(app)


async def test_it_opens_where_it_was_left_and_remembers_what_was_seen() -> None:
    async with opened(3) as (app, pilot, kept):
        await pilot.press("right", "right", "left")
        left = Progress(stop=4, seen=frozenset({3, 4, 5}))
        await until(pilot, lambda: progress.read(kept[-1]) == left and "Lesson 5" in seen(app))
        await pilot.press(*["right"] * 20)
        await until(pilot, lambda: "Lesson 11 of 11" in seen(app))


async def test_a_stop_that_is_longer_than_the_screen_can_be_left() -> None:
    async with opened(4) as (app, pilot, _):
        page = app.screen.query_one(Page)
        await until(pilot, lambda: page.max_scroll_y > 0)
        assert not page.allow_horizontal_scroll
        await pilot.press("left")
        await until(pilot, lambda: "Lesson 4" in seen(app))


async def test_the_learners_own_text_is_worked_on() -> None:
    async with opened() as (app, pilot, kept):
        await pilot.press("e")
        await until(pilot, lambda: "A text that the model goes on from" in seen(app))
        await pilot.press("end", *"xyz", "enter")
        await until(pilot, lambda: f"{Texts().begun}xyz" in seen(app))
        assert progress.read(kept[-1]).texts.begun == f"{Texts().begun}xyz"


async def test_a_text_to_fill_in_is_asked_for_until_it_has_a_mask() -> None:
    async with opened(9) as (app, pilot, kept):
        await pilot.press("e")
        await until(pilot, lambda: "An English sentence with" in seen(app))
        await pilot.press("ctrl+u", *"ab", "enter")
        await until(pilot, lambda: "in capitals, where a word is missing" in seen(app))
        await pilot.press("end", *" [MASK]", "enter")
        await until(pilot, lambda: "starter-en  ab [MASK]" in seen(app))
        assert progress.read(kept[-1]).texts.masked == "ab [MASK]"


async def test_what_is_refused_is_not_waited_for() -> None:
    refusal = Error(kind="too_long", message="It is too long.", hint="")
    async with opened(engine=InsideEngine(refusal)) as (app, pilot, _):
        await until(pilot, lambda: "It is too long." in seen(app))
        await until(pilot, lambda: "being loaded" not in seen(app))


async def test_the_network_learns_before_the_eyes_but_not_without_tanh() -> None:
    async with opened(1) as (app, pilot, _):
        await pilot.press(*["space"] * 10)
        await until(pilot, lambda: "After 200 steps the loss is 0.008" in seen(app))
        await pilot.press("a", *["space"] * 10)
        await until(pilot, lambda: "After 200 steps the loss is 0.25" in seen(app))


async def test_the_python_is_shown_and_copied() -> None:
    async with opened() as (app, pilot, _):
        await pilot.press("p")
        await until(pilot, lambda: "import torch" in seen(app))
        await pilot.press("c")
        await until(pilot, lambda: "copied" in seen(app))
        compile(app.clipboard, "copied", "exec")
        assert Texts().begun in app.clipboard


@pytest.mark.parametrize(
    "stored",
    ["", "no json", '{"stop": "x"}', '{"stop": 99}', '{"stop": 3, "texts": {"masked": "none"}}'],
)
async def test_what_cannot_be_read_begins_anew(stored: str) -> None:
    app = Host(lambda shared, host: LessonScreen(shared, stored, lambda kept: None))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "of 11:" in seen(app))


def test_every_stop_works_on_some_text_but_the_network() -> None:
    assert [stop.id for stop in STOPS if not stop.fields] == ["network"]
