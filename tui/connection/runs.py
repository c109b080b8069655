"""Asking the engine for a card's answer and folding what comes into the card."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass

from engine.client import Answer
from engine.messages import Error, ModelInfo, ModelState, Progress, Request, Token
from tui.cards import Card, ContinueCard, asked
from tui.connection.link import Link
from tui.files import system_errors
from tui.strings import text

_SOON = 0.2
"""Seconds before a speed means anything: the first tokens can arrive in one bunch."""


@dataclass
class Run:
    """A card whose answer is on its way."""

    card: Card
    answer: Answer | None = None
    stopped: bool = False
    progress: Progress | None = None
    """How far an answer that takes long is."""
    tokens: int = 0
    first: float = 0.0
    """When the first token came, on the monotonic clock."""
    latest: float = 0.0

    @property
    def speed(self) -> float | None:
        """Tokens per second after the first, over all branches; None until it can be measured."""
        elapsed = self.latest - self.first
        return (self.tokens - 1) / elapsed if elapsed > _SOON else None


class Runs:
    """The answers under way in one pane."""

    def __init__(
        self,
        link: Link,
        running: set[str],
        changed: Callable[[], None],
        ended: Callable[[Card], None],
    ) -> None:
        """`running` is the set of cards that run, in all panes; it is kept up to date here.

        `changed` is called, often, when there is something to `take_dirty` or a run has ended.
        """
        self.live: dict[str, Run] = {}
        self._running = running
        self._link = link
        self._changed = changed
        self._ended = ended
        self._dirty: set[str] = set()

    async def run(self, card: Card, requests: Iterable[Request]) -> None:
        """Fold the engine's events into the card, whatever they are, until the last.

        Each of the requests is made when the one before it has been answered.
        """
        run = self.live[card.id] = Run(card)
        self._running.add(card.id)
        self._mark(card.id)
        for request in requests:
            try:
                run.answer = await self._link.request(request)
            except OSError as error:
                message = text("notice.no_engine", reason=system_errors.reason(error))
                card.fold(Error(kind="worker_died", message=message))
                continue
            if run.stopped:
                run.answer.cancel()
            await self._fold(run, run.answer)
        del self.live[card.id]
        self._running.discard(card.id)
        self._dirty.discard(card.id)
        self._ended(card)
        self._changed()

    async def _fold(self, run: Run, answer: Answer) -> None:
        async with aclosing(answer) as events:
            async for event in events:
                run.card.fold(event)
                run.progress = event if isinstance(event, Progress) else None
                if isinstance(event, Token) and isinstance(run.card, ContinueCard):
                    run.latest = time.monotonic()
                    run.first = run.first or run.latest
                    run.tokens += 1
                self._mark(run.card.id)

    def _mark(self, card_id: str) -> None:
        self._dirty.add(card_id)
        self._changed()

    def take_dirty(self) -> list[Run]:
        """The runs whose cards gained something since the last time this was asked."""
        dirty, self._dirty = self._dirty, set()
        return [self.live[card_id] for card_id in dirty if card_id in self.live]

    def touch(self) -> None:
        """Count every card that waits for its model as changed: its progress may have."""
        for card_id, run in self.live.items():
            if not run.tokens:
                self._mark(card_id)

    def stop_card(self, card: Card) -> None:
        """Stop one card, if it runs, and keep what came."""
        run = self.live.get(card.id)
        if run is None:
            return
        run.stopped = True
        if run.answer is not None:
            run.answer.cancel()  # does nothing to one that has ended

    def stop(self) -> bool:
        """Stop everything and keep what came; False if nothing ran."""
        for run in self.live.values():
            self.stop_card(run.card)
        return bool(self.live)

    def abandon(self) -> list[Card]:
        """Stop everything and return the cards, which leave the screen as they are."""
        self.stop()
        cards = [run.card for run in self.live.values()]
        for card in cards:
            card.interrupt()
        return cards

    def note(self, run: Run) -> str:
        """What a card waits for before its first token; nothing once it writes."""
        if run.tokens or (not isinstance(run.card, ContinueCard) and run.card.result is not None):
            return ""
        if isinstance(run.card, ContinueCard) and run.card.prompt_tokens:
            return text("card.reading")
        if run.progress is not None:
            return text("card.progress", done=run.progress.done, total=run.progress.total)
        model = asked(run.card)
        return waiting(self._link.models.get(model), self._link.progress.get(model))


def waiting(info: ModelInfo | None, progress: ModelState | None) -> str:
    """What must happen before a model can answer, in a few words."""
    if info is None:
        return text("card.waiting")
    if info.state != "loading":
        return text("card.asked")
    percent = progress.percent if progress is not None else None
    loaded = "" if percent is None else text("header.percent", n=f"{percent:.0f}")
    return text("card.loading", model=info.title, percent=loaded)
