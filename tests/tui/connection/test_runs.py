"""Cards while their answer comes, and when it does not."""

from __future__ import annotations

from pathlib import Path

from engine.messages import BranchDone, Cancel, Done, Error, ModelState
from tests.support.fake_engine import TaskEngine, answered, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming


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
        engine.become("restarting", death)
        answer.put(death)
        await answered(pilot, app)
        await until(pilot, lambda: "街はとても" in seen(app))
        screen = seen(app)
        assert "interrupted" in screen
        assert "starting again" in screen
        engine.become("ready")
        await until(pilot, lambda: "was started again" in seen(app))


async def test_an_engine_that_does_not_answer_is_told_until_it_does(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await streaming(pilot, engine)
        engine.become("silent", Error(kind="worker_died", message="It hangs.", hint="Wait."))
        await until(pilot, lambda: "It hangs. Wait." in seen(app))
        assert 'Ctrl+P "Restart the engine"' in " ".join(seen(app).split())
        assert "engine not answering" in seen(app)
        engine.become("ready")
        await until(pilot, lambda: "The engine answers again." in seen(app))
        assert "not answering" not in seen(app)


async def test_an_engine_that_stays_off_is_started_from_the_palette(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        engine.become("dead", Error(kind="worker_died", message="It ended.", hint="See /log"))
        await until(pilot, lambda: "It ended." in seen(app))
        assert "engine off" in seen(app)
        await pilot.press("ctrl+p", *"restart the")
        await until(pilot, lambda: "and start another" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: engine.restarts == 1)
        engine.become("ready")
        await until(pilot, lambda: "was started again" in seen(app))


async def test_one_that_never_came_up_is_tried_again(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)

    async def connect(*_: object) -> TaskEngine:
        raise FileNotFoundError(2, "No such file or directory")

    app.link._connect = connect
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: "cannot be started" in seen(app))
        app.link._connect = engine.connect
        app.action_restart_engine()
        await until(pilot, lambda: bool(app.link.models))
    assert engine.restarts == 0


async def test_a_model_that_is_not_in_the_list_has_a_state_all_the_same(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        pane(app).use_model("/some/folder")
        await until(pilot, lambda: "not in the list" in seen(app))
        engine.broadcast(ModelState(model="/some/folder", state="loading", percent=40.0))
        await until(pilot, lambda: "folder loading 40 %" in seen(app))
        engine.broadcast(ModelState(model="/some/folder", state="ready"))
        await until(pilot, lambda: "folder ready" in seen(app))
        assert "starting" not in seen(app)


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
