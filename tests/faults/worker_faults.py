"""Faults of the worker and of the wire, each as a function that returns what was seen.

They use the real client and worker; `folder` is an empty one. Run one of them alone with
`python -c "import asyncio, pathlib; from tests.faults.worker_faults import ..."`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from engine.client import Engine
from engine.messages import GREEDY, Configure, Continue, Done, Error, Event, Started, Token
from tests.engine.test_wire import fuzz

TEXT = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=100, top=0)


@dataclass(frozen=True)
class Seen:
    """What one try came to; `lost` counts characters that came and are not in the answer."""

    fault: str
    message: str
    lost: int
    recovered_s: float


async def killed(folder: Path, times: int, seed: int = 0) -> list[Seen]:
    """SIGKILL at random moments of a streaming session."""
    return await _each(folder, times, seed, "SIGKILL", lambda pid: os.kill(pid, signal.SIGKILL))


async def stopped(folder: Path, times: int, seed: int = 0) -> list[Seen]:
    """SIGSTOP at random moments; the person gives up waiting and stops the answer."""
    return await _each(folder, times, seed, "SIGSTOP", lambda pid: os.kill(pid, signal.SIGSTOP))


def frames(count: int = 1_000_000, seed: int = 0) -> Seen:
    """Mutated frames through the reader; raises what is neither a message nor a broken stream."""
    began = time.monotonic()
    return Seen("mutated frames", str(dict(fuzz(count, seed))), 0, time.monotonic() - began)


async def _each(
    folder: Path, times: int, seed: int, fault: str, strike: Callable[[int], None]
) -> list[Seen]:
    chance = random.Random(seed)
    configure = Configure(store=str(folder / "store"), threads=1)
    engine = await Engine.start(configure, folder / "engine.log")
    try:
        whole = _text(await _all(engine, TEXT))
        return [
            await _once(engine, fault, strike, chance.uniform(0, 2.0), whole) for _ in range(times)
        ]
    finally:
        await engine.stop()


async def _once(
    engine: Engine, fault: str, strike: Callable[[int], None], after: float, whole: str
) -> Seen:
    """Strike in mid-stream, then ask again; what came before must begin what comes after."""
    answer = engine.request(TEXT)
    reading = asyncio.create_task(_rest(answer.__anext__))
    await asyncio.sleep(after)
    assert engine.pid is not None
    struck = time.monotonic()
    strike(engine.pid)
    if fault == "SIGSTOP":
        answer.cancel()
    events = await reading
    again = _text(await _all(engine, TEXT))
    came = _text(events)
    lost = 0 if again == whole and whole.startswith(came) else len(whole)
    last = events[-1]
    message = last.message if isinstance(last, Error) else "stopped"
    return Seen(fault, message, lost, time.monotonic() - struck)


async def _all(engine: Engine, body: Continue) -> list[Event]:
    events = await _rest(engine.request(body).__anext__)
    assert isinstance(events[0], Started), events
    assert isinstance(events[-1], Done), events
    return events


async def _rest(following: Callable[[], Awaitable[Event]]) -> list[Event]:
    events: list[Event] = []
    while True:
        try:
            events.append(await following())
        except StopAsyncIteration:
            return events


def _text(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Token))
