"""A small app to test screens in, with an engine whose answers the test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, TypeVar

import msgspec
from textual.app import App
from textual.binding import BindingType
from textual.pilot import Pilot
from textual.screen import Screen

from engine.client import Answer
from engine.messages import (
    Cancel,
    Done,
    Error,
    Event,
    ListModels,
    Memory,
    ModelInfo,
    Models,
    ModelState,
    Ping,
    Pong,
    Pull,
    Request,
)
from tui import theming
from tui.config.settings import Loaded
from tui.connection.link import Link, OnEvent, OnState
from tui.connection.model_jobs import ModelJobs
from tui.connection.services import Services
from tui.keys import keymap
from tui.keys.actions import bindings
from tui.terminal.sanitise import UNICODE

THEMES = theming.load_builtin().themes
_Result = TypeVar("_Result")


def model(model_id: str, **values: object) -> ModelInfo:
    given: dict[str, object] = {
        "title": model_id.title(),
        "roles": ["continue"],
        "heads": ["causal"],
        "languages": ["en"],
        "bytes": 10_551_240,
        "licence": "MIT",
        "source": "hub",
        "origin": f"owner/{model_id}",
        "revision": "0123456789abcdef",
        "state": "on_disk",
        "note": "A note.",
    }
    return msgspec.convert({"id": model_id} | given | values, ModelInfo)


class ModelsEngine:
    """An engine that lists models.

    It answers at once, except a pull, which a test moves on with `state` and `finish`.
    """

    def __init__(self, models: list[ModelInfo]) -> None:
        self.models = list(models)
        self.asked: list[Request] = []
        self.fails: Error | None = None
        self.pulls: dict[str, Answer] = {}
        self.restarts = 0
        self.broadcast: OnEvent = lambda event: None

    async def connect(self, on_event: OnEvent, on_state: OnState) -> ModelsEngine:
        self.broadcast = on_event
        on_event(Memory(used=21_000_000, budget=2_000_000_000))
        return self

    def request(self, body: Request) -> Answer:
        self.asked.append(body)
        answer = Answer(lambda: self._cancel(body, answer))
        if isinstance(body, ListModels):
            answer.put(Models(list(self.models)))
        elif isinstance(body, Ping):
            answer.put(Pong())
        elif self.fails is not None:
            answer.put(self.fails)
        elif isinstance(body, Pull):
            self.pulls[body.model] = answer
        else:
            answer.put(Done())
        return answer

    def _cancel(self, body: Request, answer: Answer) -> None:
        self.asked.append(Cancel(self.asked.index(body)))
        answer.put(Done(finish="cancelled"))

    def finish(self, pulled: str, event: Event) -> None:
        self.pulls.pop(pulled).put(event)

    def state(self, changed: str, **values: object) -> None:
        self.broadcast(
            msgspec.convert({"type": "model_state", "model": changed} | values, ModelState)
        )

    async def restart(self) -> None:
        """Count."""
        self.restarts += 1

    async def stop(self) -> None:
        """Nothing runs."""

    def sent(self) -> list[Request]:
        return [body for body in self.asked if not isinstance(body, ListModels)]


class Host(App[None]):
    """Shows one screen and remembers what it ended with."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(
        self,
        make: Callable[[Services, Host], Screen[_Result]],
        engine: ModelsEngine | None = None,
        loaded: Loaded | None = None,
    ) -> None:
        super().__init__()
        self.engine = ModelsEngine([]) if engine is None else engine
        loaded = Loaded(Path("settings.yaml")) if loaded is None else loaded
        link = Link(self.engine.connect, lambda: None, lambda state, error: None)
        keys = keymap.resolve(loaded)
        self.shared = Services(
            link, loaded.settings, keys, UNICODE, ModelJobs(link, self.record_notice)
        )
        self.notices: list[str] = []
        self.results: list[object] = []
        self._make = make

    def record_notice(self, message: str, severity: str) -> None:
        self.notices.append(message)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return THEMES[theming.DEFAULT].variables

    def on_mount(self) -> None:
        self.set_keymap(self.shared.keymap.changes())
        self.register_theme(THEMES[theming.DEFAULT])
        self.theme = theming.DEFAULT
        self.open()

    def open(self) -> None:
        self.push_screen(self._make(self.shared, self), self.results.append)


async def until(pilot: Pilot[None], true: Callable[[], bool]) -> None:
    """Wait until something is true; fail after a minute or more."""
    for _ in range(3000):
        await pilot.pause()
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it has not become true")


def seen(app: App[None]) -> str:
    """What the screen shows, as lines of text."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.crop(0, width).text.rstrip() for strip in strips[:height])
