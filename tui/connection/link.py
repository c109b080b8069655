"""The app's side of the engine: one connection, and what it reported about models and memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Protocol, get_args

import msgspec

from engine.client import Answer, EngineState
from engine.messages import (
    Cores,
    Error,
    Event,
    FormChoice,
    ListModels,
    Memory,
    ModelInfo,
    Models,
    ModelState,
    Ping,
    Pong,
    PrecisionChoice,
    Ready,
    Request,
    Role,
)


class Backend(Protocol):
    """What the app needs of `engine.client.Engine`; tests give their own."""

    def request(self, body: Request) -> Answer:
        """Send a request."""

    async def restart(self) -> None:
        """End the engine's worker and start another."""

    async def stop(self) -> None:
        """End the engine."""


OnEvent = Callable[[Event], None]
OnState = Callable[[EngineState, Error | None], None]
Connect = Callable[[OnEvent, OnState], Awaitable[Backend]]


class Link:
    """Sends requests to the engine as soon as it runs, and stores what it broadcasts."""

    def __init__(
        self,
        connect: Connect,
        on_change: Callable[[], None],
        on_state: OnState,
        *,
        elsewhere: bool = False,
    ) -> None:
        """`elsewhere`: the engine is on another machine."""
        self.elsewhere = elsewhere
        self.models: dict[str, ModelInfo] = {}
        self.progress: dict[str, ModelState] = {}
        """The latest progress of each model that is being pulled, loaded or removed."""
        self.memory: Memory | None = None
        self.busy = False
        """Whether other programs use much of the processor."""
        self.engine: EngineState = "starting"
        self.host = ""
        """The name of the machine that the engine runs on, where that is another."""
        self.gpus: list[str] = []
        """The GPUs of that machine."""
        self.latency_s: float | None = None
        """How long that machine took to answer, when it was last asked."""
        self._connect = connect
        self._on_change = on_change
        self._on_state = on_state
        self._backend: asyncio.Task[Backend] | None = None

    async def request(self, body: Request) -> Answer:
        """Ask the engine, starting it if this is the first that is asked of it.

        Raises:
            OSError: the engine cannot be started.
        """
        if self._backend is None:
            self._backend = asyncio.create_task(self._open())
        return (await asyncio.shield(self._backend)).request(body)

    async def _open(self) -> Backend:
        return await self._connect(self._event, self._state)

    async def restart(self) -> None:
        """Start the engine anew, whether it runs, hangs, stays off or never came up.

        Raises:
            OSError: it cannot be started.
        """
        if self._backend is not None and self._backend.done():
            if self._backend.exception() is None:
                await self._backend.result().restart()
            else:
                self._backend = None
        await self.refresh()

    async def move(self, connect: Connect, *, elsewhere: bool) -> None:
        """Leave this engine for another; what it was asked ends.

        Raises:
            OSError: the other cannot be started.
        """
        await self.close()
        self._backend = None
        self._connect, self.elsewhere = connect, elsewhere
        self.models, self.memory, self.busy = {}, None, False
        self.progress.clear()
        self.host, self.gpus, self.latency_s, self.engine = "", [], None, "starting"
        self._on_change()
        await self.refresh()

    async def close(self) -> None:
        """End the engine, whether or not it ever came up."""
        if self._backend is None:
            return
        if self._backend.done() and self._backend.exception() is None:
            await self._backend.result().stop()
        else:
            self._backend.cancel()

    async def refresh(self) -> None:
        """Ask again which models there are."""
        async with aclosing(await self.request(ListModels())) as events:
            async for event in events:
                if isinstance(event, Models):
                    self.models = {info.id: info for info in event.models}
        self._on_change()

    async def ping(self) -> None:
        """Measure how long the engine takes to answer."""
        began = asyncio.get_running_loop().time()
        async with aclosing(await self.request(Ping())) as events:
            async for event in events:
                if isinstance(event, Pong):
                    self.latency_s = asyncio.get_running_loop().time() - began
        self._on_change()

    def title(self, model: str) -> str:
        """A model's name for people."""
        info = self.models.get(model)
        return info.title if info is not None else model

    def forms(self, model: str) -> tuple[PrecisionChoice, ...]:
        """The forms that a model's weights can have; all, where the engine has not listed them."""
        info = self.models.get(model)
        if info is None or not info.precisions:
            return get_args(FormChoice)
        return (*info.precisions, "auto") if len(info.precisions) > 1 else ("exact",)

    def form(self, model: str, wanted: PrecisionChoice) -> PrecisionChoice:
        """The form to run a model in: the wanted one if it can have it, else exact."""
        return wanted if wanted in self.forms(model) else "exact"

    def seen_as(self, model: str, form: PrecisionChoice) -> ModelInfo | None:
        """A model's description, with its state for one of its forms."""
        info, progress = self.models.get(model), self.progress.get(model)
        if info is None or info.state not in ("ready", "loading"):
            return info
        if form in info.in_memory or (form == "auto" and info.in_memory):
            return msgspec.structs.replace(info, state="ready")
        loading = None if progress is None else progress.precision
        if info.state == "loading" and form in (loading, "auto"):
            return info
        return msgspec.structs.replace(info, state="on_disk")

    def fitting(self, role: Role) -> list[ModelInfo]:
        """The models that can do this, those at hand first."""
        able = [info for info in self.models.values() if role in info.roles]
        return sorted(able, key=lambda info: info.state in ("absent", "failed"))

    def _event(self, event: Event) -> None:
        if isinstance(event, Memory):
            self.memory = event
        elif isinstance(event, Ready) and self.elsewhere:
            self.host, self.gpus = event.host, event.gpus
        elif isinstance(event, Cores):
            self.busy = event.busy
        elif isinstance(event, ModelState):
            self.progress[event.model] = event
            info = self.models.get(event.model)
            if info is not None:
                changed = msgspec.structs.replace(
                    info,
                    state=event.state,
                    reason=event.reason,
                    in_memory=event.in_memory,
                    device=event.device,
                    on_device=event.on_device,
                )
                if event.memory:
                    changed = msgspec.structs.replace(changed, memory=event.memory)
                self.models[event.model] = changed
        self._on_change()

    def _state(self, state: EngineState, error: Error | None) -> None:
        self.engine = state
        if state in ("restarting", "dead"):
            self.busy = False
            # Nothing is in memory any more.
            self.progress.clear()
            for model, info in self.models.items():
                if info.state in ("ready", "loading"):
                    self.models[model] = msgspec.structs.replace(
                        info, state="on_disk", in_memory=[]
                    )
        self._on_state(state, error)
        self._on_change()
