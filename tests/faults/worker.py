"""The engine's process breaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from engine.client import Answer, Engine
from engine.messages import GREEDY, Configure, Continue, Done, Error, Event, Token
from tests.faults.harness import (
    Outcome,
    app,
    begin_stream,
    either,
    fault,
    leave,
    lost,
    saved,
    shown,
    type_text,
    watch,
    whole_answer,
)
from tests.support.terminal import Terminal

DRAFT = "half a thought"


@contextlib.contextmanager
def _streaming(place: Path, seconds: float, **more: str) -> Iterator[Terminal]:
    """The app for so long after a model began to write."""
    whole_answer()
    with app(place, **more) as terminal:
        begin_stream(terminal)
        watch(terminal, seconds)
        yield terminal


def _fill(terminal: Terminal) -> None:
    """Ask for something else, of a model that is not in memory."""
    terminal.press("f3")
    terminal.wait("top 5")  # or else the letters overtake the key
    type_text(terminal, "We [MASK] here")
    terminal.press("enter")


def _kept(terminal: Terminal, place: Path, on_screen: int) -> int:
    """See that the engine answers, and leave; how many characters are not saved."""
    terminal.wait("[CLS]")
    leave(terminal)
    session = saved(place)
    missing = lost(on_screen, session)
    return missing + (0 if session.drafts["continue"].text == DRAFT else len(DRAFT))


@fault("the worker is killed (SIGKILL) while a model writes", short=1, long=20)
def killed(place: Path, rng: random.Random) -> Outcome:
    with _streaming(place, 0) as terminal:
        type_text(terminal, DRAFT)
        watch(terminal, rng.uniform(0, 2))
        for worker in terminal.workers():
            worker.kill()
        began = time.monotonic()
        assert DRAFT in terminal.wait("started again")
        recovered = time.monotonic() - began
        on_screen = shown(terminal)
        _fill(terminal)
        missing = _kept(terminal, place, on_screen)
    return Outcome("one notice, then the next request is answered", missing, recovered)


@fault("the worker is stopped (SIGSTOP) while a model writes; Esc", short=1, long=20)
def stopped(place: Path, rng: random.Random) -> Outcome:
    with _streaming(place, rng.uniform(0, 0.3)) as terminal:
        (worker,) = terminal.workers()
        worker.suspend()
        terminal.press("escape")
        began = time.monotonic()
        terminal.wait("has not stopped yet", "engine not answering")
        on_screen = shown(terminal)
        terminal.wait("stopped ·", "started again")
        recovered = time.monotonic() - began
        type_text(terminal, DRAFT)
        _fill(terminal)
        missing = _kept(terminal, place, on_screen)
        assert not worker.is_running()
    return Outcome("says that it does not answer, then starts another", missing, recovered)


@fault("garbage on the worker's output while a model writes", short=1, long=20)
def garbage(place: Path, rng: random.Random) -> Outcome:
    with _streaming(place, rng.uniform(0, 0.5)) as terminal:
        type_text(terminal, DRAFT)
        (worker,) = terminal.workers()
        with _output(worker).open("wb", buffering=0) as pipe:
            pipe.write(rng.randbytes(rng.randint(1, 64)))
        began = time.monotonic()
        found = either(terminal, "started again", "engine not answering")
        if found == "engine not answering":  # it may look like the length of a long frame
            terminal.press("escape")
            terminal.wait("started again")
        recovered = time.monotonic() - began
        on_screen = shown(terminal)
        _fill(terminal)
        missing = _kept(terminal, place, on_screen)
    return Outcome(f"says “{found}”, then the next request is answered", missing, recovered)


def _output(worker: psutil.Process) -> Path:
    """The pipe on which a worker sends its events."""
    (found,) = (
        each
        for each in Path(f"/proc/{worker.pid}/fd").iterdir()
        if str(each.readlink()).startswith("pipe:")
        and int(_flags(worker.pid, each.name), 8) & os.O_ACCMODE == os.O_WRONLY
    )
    return found


def _flags(pid: int, descriptor: str) -> str:
    lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines)["flags:"]


@fault("the worker gets no more memory (RLIMIT_AS) while a model writes", short=1, long=20)
def out_of_memory(place: Path, rng: random.Random) -> Outcome:
    with _streaming(place, rng.uniform(0, 0.5)) as terminal:
        type_text(terminal, DRAFT)
        (worker,) = terminal.workers()
        _, hard = resource.prlimit(worker.pid, resource.RLIMIT_AS)
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (worker.memory_info().vms, hard))
        _fill(terminal)
        found = either(terminal, "no more memory", "started again", "[CLS]")
        began = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (hard, hard))
        terminal.press("f2")
        terminal.wait("120 tokens")
        on_screen = shown(terminal)
        _fill(terminal)
        missing = _kept(terminal, place, on_screen)
        recovered = time.monotonic() - began
    return Outcome(f"says “{found}”; with memory the next request is answered", missing, recovered)


_RAISES = """
import contextlib, sys
if sys.orig_argv[-2:] == ["-m", "engine"]:
    from engine.scheduler import Scheduler
    start, left = Scheduler.start, {events}

    def failing(task):
        global left
        with contextlib.closing(task):
            for said in task:
                left -= 1
                if left == 0:
                    raise RuntimeError("on purpose")
                yield said

    Scheduler.start = lambda self, number, task: start(self, number, failing(task))
"""


@fault("a task of the worker raises an exception while a model writes", short=1, long=20)
def raises(place: Path, rng: random.Random) -> Outcome:
    path = _customised(place, _RAISES.format(events=rng.randint(10, 100)))
    with _streaming(place, 0, PYTHONPATH=path) as terminal:
        terminal.wait("has a fault that kept it from")
        began = time.monotonic()
        on_screen = shown(terminal)
        type_text(terminal, DRAFT)
        _fill(terminal)
        missing = _kept(terminal, place, on_screen)
        recovered = time.monotonic() - began
    return Outcome("says so on the card, then the next request is answered", missing, recovered)


@fault("no worker lives for longer than a moment", short=1, long=10)
def cannot_live(place: Path, rng: random.Random) -> Outcome:
    dies = 'import os, sys\nif sys.orig_argv[-2:] == ["-m", "engine"]: os._exit(3)\n'
    with app(place, PYTHONPATH=_customised(place, dies)) as terminal:
        terminal.wait("engine off")
        terminal.press("ctrl+n")
        terminal.wait("seed 7")
        type_text(terminal, DRAFT)
        leave(terminal)
    kept = saved(place).drafts["continue"].text
    return Outcome("says that the engine is off", 0 if kept == DRAFT else len(DRAFT))


def _customised(place: Path, source: str) -> str:
    """A path by which every Python begins with this."""
    folder = place / "path"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(source, encoding="utf-8")
    return str(folder)


# ------------------------------------------------------------------- the engine by itself

_TEXT = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=100, top=0)
_KILLS = 4


@fault(f"the worker is killed {_KILLS} times in one session", short=1, long=25)
def killed_often(place: Path, rng: random.Random) -> Outcome:
    return asyncio.run(_killed_often(place, rng))


async def _killed_often(place: Path, rng: random.Random) -> Outcome:
    """Kill it at random moments; what came before must begin what comes after."""
    configure = Configure(store=str(place / "store"), threads=1)
    engine = await Engine.start(configure, place / "engine.log")
    missing, slowest = 0, 0.0
    try:
        whole = await _text(engine)
        for _ in range(_KILLS):
            answer = engine.request(_TEXT)
            reading = asyncio.ensure_future(_events(answer))
            await asyncio.sleep(rng.uniform(0, 2))
            assert engine.pid is not None
            psutil.Process(engine.pid).kill()
            began = time.monotonic()
            events = await reading
            assert isinstance(events[-1], Error | Done)
            came = "".join(each.text for each in events if isinstance(each, Token))
            assert await _text(engine) == whole
            missing += 0 if whole.startswith(came) else len(came)
            slowest = max(slowest, time.monotonic() - began)
    finally:
        await engine.stop()
    return Outcome("each time the next request is answered, whole", missing, slowest)


async def _events(answer: Answer) -> list[Event]:
    return [event async for event in answer]


async def _text(engine: Engine) -> str:
    """What the model writes when nothing breaks."""
    events = await _events(engine.request(_TEXT))
    assert isinstance(events[-1], Done), events[-1]
    return "".join(each.text for each in events if isinstance(each, Token))
