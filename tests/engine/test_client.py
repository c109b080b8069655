"""The client and a real worker: restarts, cancels, ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec import structs

from engine import wire
from engine.client import Answer, Engine, EngineState, process, watch
from engine.client import engine as client
from engine.errors import INTERNAL
from engine.messages import (
    GREEDY,
    Configure,
    Continue,
    Done,
    Error,
    Event,
    ListModels,
    Load,
    Models,
    ModelState,
    Ping,
    Pong,
    Request,
    Started,
    Token,
    Tokenize,
    Tokens,
    Unload,
)
from tests.support.processes import without_torch

LONG = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=100, top=0)


class Front:
    """An engine, and the events that it broadcasts."""

    def __init__(self, folder: Path) -> None:
        self.configure = Configure(store=str(folder / "store"), threads=1)
        self.log = folder / "state" / "engine.log"
        self.broadcasts: asyncio.Queue[Event] = asyncio.Queue()
        self.states: asyncio.Queue[tuple[EngineState, Error | None]] = asyncio.Queue()
        self.engine: Engine | None = None

    async def start(self) -> Engine:
        self.engine = await Engine.start(
            self.configure,
            self.log,
            self.broadcasts.put_nowait,
            lambda state, error: self.states.put_nowait((state, error)),
        )
        return self.engine

    async def until(self, event: Event) -> None:
        while await self.broadcasts.get() != event:
            pass


@pytest.fixture
async def front(tmp_path: Path) -> AsyncIterator[Front]:
    front = Front(tmp_path)
    async with asyncio.timeout(300):
        yield front
        if front.engine is not None:
            await front.engine.stop()


@pytest.fixture
def stuck(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers in which nothing that needs torch ever gets on."""
    monkeypatch.setenv("PYTHONPATH", without_torch(tmp_path / "path")["PYTHONPATH"])


def state_of(engine: Engine) -> EngineState:
    """As a call, because mypy takes a property for unchanging."""
    return engine.state


async def all_of(answer: Answer) -> list[Event]:
    return [event async for event in answer]


async def pid(engine: Engine) -> int:
    """The worker's process, once it answers."""
    assert await all_of(engine.request(Ping())) == [Pong()]
    found = engine.pid
    assert found is not None
    return found


async def test_requests_made_at_once_wait_until_it_is_ready(front: Front) -> None:
    engine = await front.start()
    assert state_of(engine) == "starting"
    (models,) = await all_of(engine.request(ListModels()))
    assert isinstance(models, Models)
    assert state_of(engine) == "ready"
    assert await front.states.get() == ("ready", None)


async def test_the_worker_leads_a_session_of_its_own(front: Front, stuck: None) -> None:
    engine = await front.start()
    worker = await pid(engine)
    assert os.getsid(worker) == worker != os.getsid(0)


async def test_the_log_is_for_its_owner_alone_and_does_not_grow_for_ever(
    front: Front, stuck: None
) -> None:
    front.log.parent.mkdir()
    front.log.write_bytes(b"x" * 1_100_000)
    await front.start()
    assert front.log.stat().st_size < 1000
    assert front.log.stat().st_mode & 0o777 == 0o600
    assert front.log.with_name("engine.log.1").stat().st_size == 1_100_000


async def test_a_log_that_cannot_be_written_is_done_without(front: Front) -> None:
    front.log.parent.write_text("not a folder")
    engine = await front.start()
    (tokens,) = await all_of(engine.request(Tokenize(model="starter-en", text="x")))
    assert isinstance(tokens, Tokens)


async def test_an_answer_may_be_as_long_as_it_likes(front: Front, stuck: None) -> None:
    engine = await front.start()
    text = "I played baseball. " * 20_000
    (tokens,) = await all_of(engine.request(Tokenize(model="starter-en", text=text)))
    assert isinstance(tokens, Tokens)
    assert len(tokens.tokens) > 80_000


async def test_killed_in_mid_stream_it_is_refused_comes_back_and_works(front: Front) -> None:
    engine = await front.start()
    answer = engine.request(LONG)
    came: list[Event] = []
    async for event in answer:
        came.append(event)
        if sum(isinstance(event, Token) for event in came) == 3:
            os.kill(await pid(engine), signal.SIGKILL)
            break
    waiting = engine.request(Load("starter-en"))
    came += await all_of(answer)
    assert isinstance(came[0], Started)
    assert sum(isinstance(event, Token) for event in came) >= 3
    died = came[-1]
    assert isinstance(died, Error)
    assert died.kind == "worker_died"
    assert "SIGKILL" in died.message
    assert str(front.log) in died.hint

    assert isinstance((await all_of(waiting))[-1], Done | Error)
    short = structs.replace(LONG, max_tokens=5)
    again = await all_of(engine.request(short))
    assert sum(isinstance(event, Token) for event in again) == 5
    assert [front.states.get_nowait() for _ in range(3)] == [
        ("ready", None),
        ("restarting", died),
        ("ready", None),
    ]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before a worker is started again."""
    monkeypatch.setattr(client, "PAUSES_S", [0.0 for _ in client.PAUSES_S])


async def kill_for_good(front: Front, engine: Engine) -> Error:
    """Kill one worker after the other until no other is started; what is reported."""
    while state_of(engine) != "dead":
        os.kill(await pid(engine), signal.SIGKILL)
        answer = engine.request(Load("starter-ja"))
        while state_of(engine) == "ready":
            await front.states.get()
    (died,) = await all_of(answer)
    assert isinstance(died, Error)
    return died


async def test_it_gives_up_on_a_worker_that_keeps_dying(
    front: Front, stuck: None, at_once: None
) -> None:
    engine = await front.start()
    died = await kill_for_good(front, engine)
    assert "stays off" in died.hint
    assert not engine.alive
    assert await all_of(engine.request(Ping())) == [died]
    await engine.stop()
    assert state_of(engine) == "stopped"
    await engine.restart()
    assert state_of(engine) == "stopped"


async def test_it_waits_longer_each_time_before_it_starts_another(
    front: Front, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSES_S", [0.0, 1000.0])
    engine = await front.start()
    for _ in range(2):
        os.kill(await pid(engine), signal.SIGKILL)
        while (await front.states.get())[0] != "restarting":
            pass
    waiting = engine.request(Ping())
    await engine.restart()  # which waits for nothing
    assert await all_of(waiting) == [Pong()]


async def test_a_worker_that_has_answered_something_did_not_end_in_vain(
    front: Front, stuck: None, at_once: None
) -> None:
    engine = await front.start()
    for _ in range(client.DEATHS + 1):
        await all_of(engine.request(Tokenize(model="starter-en", text="a")))
        os.kill(await pid(engine), signal.SIGKILL)
        while (await front.states.get())[0] != "restarting":
            pass
    assert await pid(engine)


async def test_one_that_stays_off_can_be_started_again(
    front: Front, stuck: None, at_once: None
) -> None:
    engine = await front.start()
    await kill_for_good(front, engine)
    await engine.restart()
    assert await pid(engine)
    died = await kill_for_good(front, engine)  # it has as many lives as before
    assert "stays off" in died.hint


async def test_a_restart_ends_what_runs_and_the_process(front: Front, stuck: None) -> None:
    engine = await front.start()
    before = await pid(engine)
    answer = engine.request(Load("starter-ja"))
    await asyncio.gather(engine.restart(), engine.restart())
    (ended,) = await all_of(answer)
    assert isinstance(ended, Error)
    assert ended.kind == "worker_died"
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert await pid(engine) != before


async def test_a_command_is_informed_that_no_other_worker_comes(
    tmp_path: Path, stuck: None
) -> None:
    engine = await Engine.start(Configure(threads=1), tmp_path / "log", revive=False)
    worker, answer = await pid(engine), engine.request(Load("starter-ja"))
    os.kill(worker, signal.SIGKILL)
    (died,) = await all_of(answer)
    assert isinstance(died, Error)
    assert "restarting" not in died.hint
    assert state_of(engine) == "dead"
    await engine.stop()


@pytest.mark.parametrize(
    ("script", "how"),
    [
        ("os.write(1, b'\\0\\0\\0\\1\\xc1'); time.sleep(1000)", "no message"),
        ("os.write(1, b'\\0\\0\\0\\x02\\xa1\\xff'); time.sleep(1000)", "no message"),
        ("os.write(1, b'Loading weights...'); time.sleep(1000)", "no message"),
        ("os.write(1, b'\\0\\0')", "exit code 0"),
        ("os.close(1); time.sleep(1000)", "closed its output"),
        ("sys.exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), 9)", "memory"),
        ("os.kill(os.getpid(), 35)", "signal 35|SIGRT"),
    ],
)
async def test_how_a_worker_ended_is_reported(
    front: Front, at_once: None, monkeypatch: pytest.MonkeyPatch, script: str, how: str
) -> None:
    fake = front.log.parent.parent / "python"
    fake.write_text(
        f"#!{sys.executable}\nimport os, sys, time\nsys.stdin.buffer.read(9)\n{script}\n"
    )
    fake.chmod(0o700)
    monkeypatch.setattr(process, "GRACE_S", 0.1)
    monkeypatch.setattr(sys, "executable", str(fake))
    engine = await front.start()
    (died,) = await all_of(engine.request(ListModels()))
    assert isinstance(died, Error)
    assert re.search(how, died.message)
    assert ("memory" in died.message) == (how == "memory")
    assert state_of(engine) == "dead"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From when this is called on, a worker hangs that does not answer at once."""

    def begin() -> None:
        for name, seconds in (("TICK_S", 0.01), ("SILENT_S", 0.1), ("CANCEL_S", 0.5)):
            monkeypatch.setattr(watch, name, seconds)

    return begin


async def test_a_worker_that_hangs_is_noticed_and_a_stop_starts_another(
    front: Front, stuck: None, impatient: Callable[[], None]
) -> None:
    engine = await front.start()
    before = await pid(engine)
    os.kill(before, signal.SIGSTOP)
    stopped, other = (engine.request(Load(model)) for model in ("starter-ja", "starter-en"))
    impatient()
    while (state := await front.states.get())[0] != "silent":
        pass
    assert state[1] is not None
    assert "has not answered" in state[1].message
    stopped.cancel()
    stopped.cancel()
    assert await all_of(stopped) == [Done(finish="cancelled")]
    (died,) = await all_of(other)
    assert isinstance(died, Error)
    assert "did not stop" in died.message
    assert await pid(engine) != before
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)


async def test_a_worker_that_was_only_slow_is_well_again(
    front: Front, stuck: None, impatient: Callable[[], None]
) -> None:
    engine = await front.start()
    worker = await pid(engine)
    os.kill(worker, signal.SIGSTOP)
    answer = engine.request(Tokenize(model="starter-en", text="a"))
    impatient()
    while (await front.states.get())[0] != "silent":
        pass
    os.kill(worker, signal.SIGCONT)
    (tokens,) = await all_of(answer)
    assert isinstance(tokens, Tokens)
    while (await front.states.get())[0] != "ready":
        pass
    assert await pid(engine) == worker


async def test_a_worker_that_does_not_come_up_is_ended(
    front: Front, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "TICK_S", 0.01)
    monkeypatch.setattr(watch, "START_S", 0.1)
    engine = await front.start()
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)
    while (state := await front.states.get())[0] != "restarting":
        pass
    assert state[1] is not None
    assert "did not start" in state[1].message
    monkeypatch.undo()
    await pid(engine)


async def test_a_load_that_hangs_is_noticed_though_the_worker_answers(
    front: Front, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "TICK_S", 0.01)
    monkeypatch.setattr(watch, "STALLED_S", 0.1)
    engine = await front.start()
    await pid(engine)
    answer = engine.request(Load("starter-ja"))
    while (state := await front.states.get())[0] != "silent":
        pass
    assert state[1] is not None
    assert "made no progress" in state[1].message
    answer.cancel()
    assert await all_of(answer) == [Done(finish="cancelled")]
    while (await front.states.get())[0] != "ready":
        pass


async def test_a_worker_of_another_version_is_not_started_again(front: Front, stuck: None) -> None:
    front.configure = Configure(protocol=999)
    engine = await front.start()
    (refused,) = await all_of(engine.request(ListModels()))
    assert isinstance(refused, Error)
    assert refused.kind == "bad_request"
    assert await front.states.get() == ("dead", refused)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (Tokenize(model="starter-en", text="a\ud800"), "text"),
        (structs.replace(LONG, stop=["\udce9"]), "stop"),
        (structs.replace(LONG, sampling=structs.replace(GREEDY, top_k=10**20)), "sampling"),
    ],
)
async def test_what_has_no_place_on_the_wire_is_refused_at_once(
    front: Front, stuck: None, body: Request, field: str
) -> None:
    engine = await front.start()
    for _ in range(2):  # before and after it is ready
        (refused,) = await all_of(engine.request(body))
        assert isinstance(refused, Error)
        assert refused.kind == "bad_request"
        assert f" in {field} " in refused.message
        await pid(engine)


async def test_a_configuration_that_has_no_place_on_the_wire_ends_all_answers(
    front: Front,
) -> None:
    front.configure = Configure(store="/tmp/\udcffx")
    engine = await front.start()
    (refused,) = await all_of(engine.request(ListModels()))
    assert isinstance(refused, Error)
    assert "store" in refused.message
    assert await front.states.get() == ("dead", refused)


async def test_an_error_of_the_supervisor_ends_all_answers(
    front: Front, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await front.start()
    await pid(engine)

    def fail(body: object) -> Event:
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr(wire, "event", fail)
    (failed,) = await all_of(engine.request(Ping()))
    assert isinstance(failed, Error)
    assert "no such thing" in failed.message
    assert state_of(engine) == "dead"


async def test_leaving_an_answer_early_cancels_it(front: Front) -> None:
    engine = await front.start()
    async with aclosing(engine.request(LONG)) as answer:
        async for event in answer:
            if isinstance(event, Token):
                break
    assert await all_of(answer) == []
    await all_of(engine.request(Unload("starter-ja")))
    await front.until(ModelState(model="starter-ja", state="on_disk", cause="asked"))


async def test_cancelling_keeps_what_comes_and_ends_it(front: Front, stuck: None) -> None:
    engine = await front.start()
    early = engine.request(LONG)
    early.cancel()
    assert await all_of(early) == [Done(finish="cancelled")]
    await pid(engine)
    late = engine.request(LONG)
    late.cancel()
    late.cancel()
    assert await all_of(late) == [Done(finish="cancelled")]
    late.cancel()


async def test_a_cancelled_asyncio_task_cancels_its_request(front: Front, stuck: None) -> None:
    engine = await front.start()
    await pid(engine)
    answer = engine.request(Load("starter-ja"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(answer), 0.01)
    assert await all_of(answer) == []
    # The one who waited is gone, so the load that could not begin leaves nothing behind.
    await all_of(engine.request(Ping()))


async def test_stopping_ends_all_answers_and_the_process(front: Front, stuck: None) -> None:
    engine = await front.start()
    worker = await pid(engine)
    answer = engine.request(Load("starter-ja"))
    await engine.stop()
    assert await all_of(answer) == [Done(finish="cancelled")]
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert await all_of(engine.request(Ping())) == [Done(finish="cancelled")]
    await engine.stop()


async def test_stopping_at_once_leaves_no_process(front: Front, stuck: None) -> None:
    engine = await front.start()
    worker = engine.pid
    assert worker is not None
    await engine.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


async def test_a_worker_that_hangs_is_killed_when_stopped(
    front: Front, stuck: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.05)
    engine = await front.start()
    worker = await pid(engine)
    os.kill(worker, signal.SIGSTOP)
    await engine.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


async def test_a_front_that_fails_in_a_callback_still_gets_its_answers(
    front: Front, stuck: None
) -> None:
    loop = asyncio.get_running_loop()
    problems: list[object] = []
    loop.set_exception_handler(lambda _, context: problems.append(context["exception"]))
    failure = ZeroDivisionError()

    def fail(event: Event) -> None:
        raise failure

    engine = front.engine = await Engine.start(front.configure, front.log, fail)
    engine.request(Load("starter-ja"))
    assert await all_of(engine.request(Ping())) == [Pong()]
    while not problems:
        await all_of(engine.request(Ping()))
    assert problems[0] is failure


async def test_a_fault_of_the_engine_names_its_log(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await front.start()
    await pid(engine)
    monkeypatch.setattr(wire, "event", lambda body: INTERNAL)
    (error,) = await all_of(engine.request(Ping()))
    assert isinstance(error, Error)
    assert error.message == INTERNAL.message
    assert str(front.log) in error.hint
