"""An engine on another machine, behind a link that is slow, uneven, cut, or not there."""

from __future__ import annotations

import asyncio
import platform
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from engine.client import Engine, EngineState
from engine.client import engine as client
from engine.client.program import program, trial
from engine.messages import (
    GREEDY,
    Configure,
    Continue,
    Error,
    Event,
    Load,
    Ping,
    Pong,
    Ready,
    Token,
)
from tests.support import relay, tiny_gguf
from tui.strings import worded

RELAY = shlex.join([sys.executable, str(Path(relay.__file__))])
LONG = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=200, top=0)


class Link:
    """Starts engines through a command, and records what they report."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.states: asyncio.Queue[tuple[EngineState, Error | None]] = asyncio.Queue()
        self.broadcasts: list[Event] = []

    async def start(self, command: str | None, *, revive: bool = True) -> Engine:
        engine = await Engine.start(
            Configure(store=str(self._folder / "store"), threads=1),
            self._folder / "engine.log",
            self.broadcasts.append,
            lambda state, error: self.states.put_nowait((state, error)),
            revive=revive,
            command=command,
        )
        self._stack.push_async_callback(engine.stop)
        return engine


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    async with asyncio.timeout(300), AsyncExitStack() as stack:
        yield Link(tmp_path, stack)


async def ids(engine: Engine, request: Continue = LONG) -> list[int]:
    return [event.id async for event in engine.request(request) if isinstance(event, Token)]


def test_ssh_asks_nothing_and_notices_a_dead_link() -> None:
    options = ["-T", "-oBatchMode=yes", "-oServerAliveInterval=5", "-oServerAliveCountMax=2"]
    assert program("ssh -p 2222 gpu-box") == [
        *("ssh", *options, "-p", "2222", "gpu-box", "tsuzuki", "engine")
    ]
    assert program("/usr/bin/ssh box '~/my venv/bin/tsuzuki' engine") == [
        *("/usr/bin/ssh", *options, "box", "~/my venv/bin/tsuzuki", "engine")
    ]
    assert program("docker exec -i box") == ["docker", "exec", "-i", "box", "tsuzuki", "engine"]
    assert program("run") == ["run", "tsuzuki", "engine"]


def test_what_to_try_in_a_shell_reaches_the_same_program() -> None:
    assert trial("ssh box") == "ssh box tsuzuki --version"
    assert trial("ssh box ~/bin/tsuzuki engine") == "ssh box '~/bin/tsuzuki' --version"


@pytest.mark.parametrize("command", ["", "  ", "'ssh box"])
async def test_what_no_shell_could_read_is_refused(link: Link, command: str) -> None:
    with pytest.raises(ValueError):
        await link.start(command)


async def test_over_a_slow_and_uneven_link_the_answer_is_the_same(link: Link) -> None:
    far = await link.start(f"{RELAY} --delay 0.05 --jitter 0.1")
    here = await link.start(None)
    assert await ids(far) == await ids(here)
    hosts = [event.host for event in link.broadcasts if isinstance(event, Ready)]
    assert len(set(hosts)) == 1 and hosts[0]


async def test_a_cut_link_ends_the_answer_in_words_and_is_made_again(
    link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PAUSES_S", (0.0, 0.1, 0.1))
    state = tmp_path / "state"
    # The cut comes in mid-stream: what precedes the tokens is shorter.
    engine = await link.start(f"{RELAY} --cut 8000 --state {shlex.quote(str(state))}")
    whole = await ids(await link.start(None))
    *came, last = [event async for event in engine.request(LONG)]
    partial = [event.id for event in came if isinstance(event, Token)]
    assert 0 < len(partial) < len(whole) and partial == whole[: len(partial)]
    assert isinstance(last, Error) and last.kind == "worker_died"
    assert worded(last.message) == (
        "The connection to the engine was lost (Connection to box closed by remote host.)."
    )
    waiting = asyncio.create_task(ids(engine))
    for _ in range(client.DEATHS + 2):  # more often than a worker that fails at home would get
        while (reported := await link.states.get())[1] is None or "No route" not in worded(
            reported[1].message
        ):
            pass
        assert reported[0] == "restarting"
    state.write_text("up")
    assert await waiting == whole


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        (
            "sh -c 'echo ssh: no such host box >&2; exit 255'",
            "cannot be reached (ssh: no such host box)",
            "exit 255' tsuzuki --version",
        ),
        ("sh -c 'exit 3'", "cannot be reached (exit code 3)", "Try this in a shell"),
        (
            "sh -c 'echo Welcome to box; echo and more; sleep 1'",
            'cannot be reached (instead of a message came "Welcome to box")',
            "Try this in a shell",
        ),
        ("env PATH=/nowhere", "no tsuzuki on the other machine (", "Install it there"),
    ],
)
@pytest.mark.parametrize("revive", [True, False])
async def test_what_never_answers_is_given_up_at_once_in_words(
    link: Link, command: str, message: str, hint: str, revive: bool
) -> None:
    engine = await link.start(command, revive=revive)
    (error,) = [event async for event in engine.request(Ping())]
    assert isinstance(error, Error) and error.kind == "worker_died"
    assert message in worded(error.message)
    assert hint in worded(error.hint)
    assert engine.state == "dead"


async def test_one_given_up_is_started_again_on_request(
    link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    state.write_text("down")
    engine = await link.start(f"{RELAY} --state {shlex.quote(str(state))}")
    (error,) = [event async for event in engine.request(Ping())]
    assert isinstance(error, Error)
    state.write_text("up")
    await engine.restart()
    assert [event async for event in engine.request(Ping())] == [Pong()]


async def test_a_cancel_crosses_the_link(link: Link) -> None:
    engine = await link.start(f"{RELAY} --delay 0.05")
    answer = engine.request(LONG)
    async for event in answer:
        if isinstance(event, Token):
            break
    await answer.aclose()
    assert [event async for event in engine.request(Ping())] == [Pong()]


async def test_a_full_disk_there_is_said_with_the_machine_that_it_is_in(
    link: Link, tmp_path: Path
) -> None:
    # The worker's own look at its disk, which a child process of it takes.
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import shutil\nshutil.disk_usage = lambda folder: shutil._ntuple_diskusage(9, 9, 0)\n"
    )
    model = tiny_gguf.write(tmp_path / "tiny.gguf")
    paths = shlex.quote(f"PYTHONPATH={tmp_path / 'site'}")
    engine = await link.start(f"env {paths} {RELAY}")
    *_, error = [event async for event in engine.request(Load(str(model)))]
    assert isinstance(error, Error)
    assert worded(error.message).startswith("The disk has 0 B free; ")
    assert f"Free space on the disk of {platform.node()}:{tmp_path}" in worded(error.hint)
