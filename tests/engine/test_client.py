"""The client and a real worker: restarts, cancels, ends."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from msgspec import structs

from engine import client, wire
from engine.client import Engine, EngineState
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
    Started,
    Token,
    Tokenize,
    Tokens,
    Unload,
)
from engine.scheduler import INTERNAL
from tests.engine.processes import without_torch

LONG = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=100, top=0)


class Front:
    """An engine with all that it tells everybody."""

    def __init__(self, folder: Path) -> None:
        self.configure = Configure(store=str(folder / "store"), threads=1)
        self.log = folder / "state" / "engine.log"
        self.told: asyncio.Queue[Event] = asyncio.Queue()
        self.states: asyncio.Queue[tuple[EngineState, Error | None]] = asyncio.Queue()
        self.engine: Engine | None = None

    async def start(self) -> Engine:
        self.engine = await Engine.start(
            self.configure,
            self.log,
            self.told.put_nowait,
            lambda state, error: self.states.put_nowait((state, error)),
        )
        return self.engine

    async def until(self, event: Event) -> None:
        while await self.told.get() != event:
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


async def all_of(answer: client.Answer) -> list[Event]:
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


async def test_a_log_that_cannot_be_written_is_an_error(front: Front) -> None:
    front.log.parent.write_text("not a folder")
    with pytest.raises(OSError):
        await front.start()


async def test_an_answer_may_be_as_long_as_it_likes(front: Front, stuck: None) -> None:
    engine = await front.start()
    text = "I played baseball. " * 20_000
    (tokens,) = await all_of(engine.request(Tokenize(model="starter-en", text=text)))
    assert isinstance(tokens, Tokens)
    assert len(tokens.tokens) > 80_000


async def test_killed_in_mid_stream_it_says_so_comes_back_and_works(front: Front) -> None:
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


async def test_it_gives_up_on_a_worker_that_keeps_dying(front: Front, stuck: None) -> None:
    engine = await front.start()
    for _ in range(client.DEATHS):
        os.kill(await pid(engine), signal.SIGKILL)
        answer = engine.request(Load("starter-ja"))
        while state_of(engine) == "ready":
            await front.states.get()
    (died,) = await all_of(answer)
    assert isinstance(died, Error)
    assert "stays off" in died.hint
    assert state_of(engine) == "dead"
    assert not engine.alive
    assert await all_of(engine.request(Ping())) == [died]
    await engine.stop()
    assert state_of(engine) == "stopped"


async def test_a_worker_of_another_version_is_not_started_again(front: Front, stuck: None) -> None:
    front.configure = Configure(protocol=999)
    engine = await front.start()
    (refused,) = await all_of(engine.request(ListModels()))
    assert isinstance(refused, Error)
    assert refused.kind == "bad_request"
    assert await front.states.get() == ("dead", refused)


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
    monkeypatch.setattr(client, "GRACE_S", 0.05)
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
