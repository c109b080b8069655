"""The cards of a pane, from the question to the file: shown, answered, saved and taken away."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol

from engine.messages import PrecisionChoice, Request
from tui.cards import Card, ContinueCard, questions
from tui.cards.drafts import Draft
from tui.connection.runs import Runs
from tui.connection.services import Services
from tui.widgets.transcript import Transcript

SPEED_S = 1.0
"""Seconds between updates of the speed that is shown."""


class CardsHost(Protocol):
    """A pane, as its cards see it."""

    @property
    def shared(self) -> Services:
        """The engine, the settings and the keys."""

    @property
    def transcript(self) -> Transcript:
        """Where the cards are shown."""

    @property
    def draft(self) -> Draft:
        """What was in the composers last, with the model and the parameters."""

    @property
    def form(self) -> PrecisionChoice:
        """The form of the model's weights that sending asks for."""

    def run_worker(self, work: Coroutine[Any, Any, None], /) -> object:
        """Run a coroutine while the pane goes on answering keys."""

    def label(self) -> None:
        """Write the model and its state on the composers."""

    def draw_soon(self) -> None:
        """Have `PaneCards.catch_up` called; may be asked for at every token."""

    def post_changed(self, card: Card, /) -> None:
        """Have a card saved."""

    def post_removed(self, card: Card, /, *, back: bool) -> None:
        """Have a card deleted from the file, or brought back."""


class PaneCards:
    """Runs cards, and keeps the transcript and the file up to date with them."""

    def __init__(self, pane: CardsHost) -> None:
        self._pane = pane
        shared = pane.shared
        self.runs = Runs(shared.link, shared.running, pane.draw_soon, self._ended)
        """The answers under way."""
        self._speed: float | None = None
        self._speed_of = ("", "")
        """The model that had that speed, and the form that was asked for."""
        self._timed = 0.0
        """When that was updated last, on the monotonic clock."""

    @property
    def speed(self) -> float | None:
        """Tokens a second of what is running or was run last by the pane's present model."""
        now = (self._pane.draft.model, self._pane.form)
        return self._speed if self._speed_of == now else None

    def _take_speed(self, card: Card, speed: float | None) -> None:
        self._speed = speed
        self._speed_of = (card.request.model, card.request.precision)

    def run(self, card: Card) -> None:
        """Show a new card and ask the engine for its answer."""
        card.title = self._pane.shared.link.title(card.request.model)
        self._pane.transcript.add(card)
        self._pane.post_changed(card)
        self.ask(card, questions(card))

    def ask(self, card: Card, requests: Iterable[Request]) -> None:
        """Ask the engine for more of a card that is shown."""
        self._pane.run_worker(self.runs.run(card, requests))

    def save(self, card: Card) -> None:
        """Draw a card that was changed by hand, and have it saved."""
        self._pane.transcript.update_card(card.id, "", None)
        self._pane.post_changed(card)

    def remove(self, card: Card) -> list[Card]:
        """Stop a card and all its forks and take them away; return them, oldest first."""
        gone = self._pane.transcript.remove_card(card)
        for each in gone:
            self.runs.stop_card(each)
            self._pane.post_removed(each, back=False)
        return gone

    def restore(self, cards: list[Card]) -> None:
        """Bring removed cards back to their places."""
        self._pane.transcript.restore(cards)
        for each in cards:
            self._pane.post_removed(each, back=True)

    def catch_up(self) -> None:
        """Draw the cards that gained something since the last time."""
        now = time.monotonic()
        for run in self.runs.take_dirty():
            if run.speed is not None and now - self._timed > SPEED_S:
                self._take_speed(run.card, run.speed)
                self._timed = now
            self._pane.transcript.update_card(run.card.id, self.runs.note(run), run.speed)
            self._pane.post_changed(run.card)

    def _ended(self, card: Card) -> None:
        if isinstance(card, ContinueCard):
            self._take_speed(card, card.timing.tokens_per_s)
        self._pane.label()
        self.save(card)
