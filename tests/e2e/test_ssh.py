"""The system's `ssh` leads to the engine: over a real connection, which is refused, and cut."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.client import Engine, EngineState
from engine.messages import GREEDY, Configure, Continue, Error, Event, Ping, Ready, Token
from tests.support.ssh_server import Server, serving
from tests.support.sshd import MISSING, Sshd
from tui.strings import worded

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")

WORKER = f"{shlex.quote(sys.executable)} -P -m engine"
LONG = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=400, top=0)


@pytest.fixture(
    params=[Server, pytest.param(Sshd, marks=pytest.mark.skipif(bool(MISSING), reason=MISSING))]
)
async def server(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Server | Sshd]:
    async with asyncio.timeout(300), serving(tmp_path, request.param) as server:
        yield server


class Front:
    """Starts an engine through ssh, and records what it reports."""

    def __init__(self, server: Server | Sshd, folder: Path) -> None:
        self._server, self._folder = server, folder
        self.states: asyncio.Queue[tuple[EngineState, Error | None]] = asyncio.Queue()
        self.events: list[Event] = []

    async def start(self, host: str = "box", worker: str = WORKER) -> Engine:
        return await Engine.start(
            Configure(store=str(self._folder / "store"), threads=1),
            self._folder / "engine.log",
            self.events.append,
            lambda state, error: self.states.put_nowait((state, error)),
            command=f"ssh -F {shlex.quote(str(self._server.config))} {host} {worker}",
        )


async def answered(engine: Engine) -> list[Event]:
    return [event async for event in engine.request(Ping())]


async def test_it_streams_and_survives_a_cut_in_mid_stream(
    server: Server | Sshd, tmp_path: Path
) -> None:
    front = Front(server, tmp_path)
    engine = await front.start()
    came: list[int] = []
    last: Event | None = None
    async for last in engine.request(LONG):
        if isinstance(last, Token):
            came.append(last.id)
            if len(came) == 5:
                await server.cut()
    assert 5 <= len(came) < LONG.max_tokens
    assert isinstance(last, Error) and last.kind == "worker_died"
    waiting = asyncio.create_task(answered(engine))
    while (await front.states.get())[0] != "restarting":
        pass
    await server.listen()
    assert len(await waiting) == 1
    again = [event.id async for event in engine.request(LONG) if isinstance(event, Token)]
    assert again[: len(came)] == came
    assert sum(isinstance(event, Ready) for event in front.events) == 2
    await engine.stop()


@pytest.mark.parametrize(
    ("host", "worker", "words"),
    [
        ("-p 1 127.0.0.1", WORKER, "port 1: Connection refused"),
        ("stranger@box", WORKER, "Permission denied"),
        ("box", "/nowhere/tsuzuki engine", "no tsuzuki on the other machine"),
    ],
)
async def test_what_ssh_says_is_shown(
    server: Server | Sshd, tmp_path: Path, host: str, worker: str, words: str
) -> None:
    front = Front(server, tmp_path)
    if host == "stranger@box":
        (tmp_path / "key").write_text("no key\n")
    engine = await front.start(host, worker)
    (error,) = await answered(engine)
    assert isinstance(error, Error) and words in worded(error.message)
    await engine.stop()
