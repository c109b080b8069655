"""A text that a test streams into the first pane."""

from __future__ import annotations

from textual.pilot import Pilot

from engine.client import Answer
from engine.messages import Continue
from tests.support.fake_engine import TaskEngine, pane, started, token
from tests.support.screen_host import until
from tui.app import TsuzukiApp


async def streaming(pilot: Pilot[None], engine: TaskEngine) -> Answer:
    """Send what is written; the answer to it, which has begun and is held."""
    await pilot.press("enter")
    await until(pilot, lambda: bool(engine.live))
    request = engine.tasks()[-1]
    assert isinstance(request, Continue)
    engine.live[-1].put(started(request))
    return engine.live[-1]


async def write(
    pilot: Pilot[None], app: TsuzukiApp, answer: Answer, first: int, count: int
) -> None:
    """Stream lines and wait until all of them are in the transcript."""
    for number in range(first, first + count):
        answer.put(token(f"line {number}\n", number))
    last = f"line {first + count - 1}"
    await until(pilot, lambda: any(line.text.endswith(last) for line in pane(app).transcript.lines))
