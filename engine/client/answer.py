"""The events that answer one request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from engine.messages import LAST, Event


class Answer(AsyncIterator[Event]):
    """The events that answer one request; the last is one of `engine.messages.LAST`.

    To stop early, call `aclose` (or use `contextlib.aclosing`), so that the engine stops working
    on the request. Cancelling the asyncio task that waits for an event does the same.
    """

    def __init__(self, cancel: Callable[[], None]) -> None:
        self._cancel = cancel
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._finished = False

    def cancel(self) -> None:
        """Ask the engine to stop. Events already on their way still arrive, then the last one."""
        if not self._finished:
            self._cancel()

    async def aclose(self) -> None:
        """Cancel the request and end the iteration."""
        self.cancel()
        self._finished = True

    async def __anext__(self) -> Event:
        """Wait for the next event."""
        if self._finished:
            raise StopAsyncIteration
        try:
            event = await self._events.get()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        self._finished = isinstance(event, LAST)
        return event

    def put(self, event: Event) -> None:
        """Add an event received from the engine."""
        self._events.put_nowait(event)
