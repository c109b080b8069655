"""A screen that shows what the engine answers, and asks only for what it does not have yet."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import msgspec
from textual import work
from textual.events import Resize
from textual.widget import Widget

from engine.messages import Error, Event, Request
from tui.connection.services import Services
from tui.screens.base import MessageScreen
from tui.widgets.lines import Page

_PAUSE_S = 0.12
"""How long keys must rest before the engine is asked."""


class AskingScreen(MessageScreen[None]):
    """A page drawn from the answers so far."""

    def __init__(self, shared: Services, title: str) -> None:
        super().__init__(shared, title)
        self._page = Page()
        self._answers: dict[bytes, list[Event]] = {}
        """By request; one that failed or was interrupted is not kept."""
        self.refused = False
        """Whether the last answer was that there is none."""

    def body(self) -> Iterator[Widget]:
        """The page."""
        yield self._page

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self.call_after_refresh(self.draw)

    # ------------------------------------------------------------ what subclasses add

    def wanted(self) -> Sequence[Request]:
        """The requests whose answers are needed now; the answers to some may lead to others."""
        raise NotImplementedError

    def received(self, event: Event) -> None:
        """Take what an event says about the others, before it is drawn."""

    def draw(self) -> None:
        """Draw what there is."""
        raise NotImplementedError

    # ------------------------------------------------------------------------- asking

    def answered(self, ask: Request) -> list[Event]:
        """The answer to a request, as far as it has come."""
        return self._answers.get(_key(ask), [])

    def show_and_ask(self) -> None:
        """Draw what there is, and ask for what is not."""
        self.show_message("")
        self.refused = False
        self.draw()
        self._ask()

    @work(exclusive=True)
    async def _ask(self) -> None:
        await asyncio.sleep(_PAUSE_S)
        # An answer may say what else to ask for, such as how many layers and tokens there are.
        while missing := [each for each in self.wanted() if _key(each) not in self._answers]:
            if not await self._whole(missing[0]):
                return

    async def _whole(self, ask: Request) -> bool:
        """Ask, and store what comes; whether the answer is whole."""
        events = self._answers[_key(ask)] = []
        whole = False
        try:
            async for event in self.answers(ask):
                if isinstance(event, Error):
                    self.refused = True
                    return False
                events.append(event)
                self.received(event)
                self.draw()
            whole = True
        finally:
            if not whole:
                self._answers.pop(_key(ask), None)
            if self.refused:
                self.draw()
        return whole


def _key(ask: Request) -> bytes:
    return msgspec.json.encode(ask)
