"""Cards while their answer comes, and when it does not."""

from __future__ import annotations

from pathlib import Path

from engine.messages import BranchDone, Cancel, Done, Error
from tests.tui.hosts import seen, until
from tests.tui.streaming import streaming
from tests.tui.tasks import TaskEngine, answered, make, running, token


async def test_text_streams_and_escape_keeps_what_came(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        answer.put(token("とても", 1))
        await until(pilot, lambda: "街はとても" in seen(app))
        assert "writing" in seen(app)
        await pilot.press("escape")
        await answered(pilot, app)
        await until(pilot, lambda: "stopped" in seen(app))
        assert "街はとても" in seen(app)
    assert any(isinstance(body, Cancel) for body in engine.asked)


async def test_a_dead_worker_costs_a_notice_and_no_text(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        answer.put(token("とても", 1))
        death = Error(kind="worker_died", message="The worker died.", hint="Run it again.")
        engine.restart(death)
        answer.put(death)
        await answered(pilot, app)
        await until(pilot, lambda: "街はとても" in seen(app))
        screen = seen(app)
        assert "interrupted" in screen
        assert "starting again" in screen
        engine.recover()
        await until(pilot, lambda: "was started again" in seen(app))


async def test_a_failure_is_told_on_its_card_with_what_to_do(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        engine.live[0].put(Error(kind="too_long", message="Too \x1b[31mlong.", hint="Cut it."))
        await answered(pilot, app)
        await until(pilot, lambda: "Too ␛[31mlong." in seen(app))
        assert "Cut it." in seen(app)


async def test_a_branch_that_ends_with_half_a_character_shows_it_once(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        for event in (
            token("夜", 1),
            BranchDone(branch=0, finish="length", tail="\ufffd"),
            Done(),
        ):
            answer.put(event)
        await answered(pilot, app)
        await until(pilot, lambda: "街は夜\ufffd" in seen(app))
        assert seen(app).count("\ufffd") == 1
