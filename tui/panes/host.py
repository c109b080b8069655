"""What the actions on cards need of the pane that holds the cards."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from textual.screen import Screen

from engine.messages import Request
from tui.cards import Card, Pane
from tui.cards.drafts import Draft
from tui.connection.runs import Runs
from tui.connection.services import Services
from tui.widgets.transcript import Transcript

Result = TypeVar("Result")


class PaneHost(Protocol):
    """A pane, as its action objects see it."""

    @property
    def role(self) -> Pane:
        """Which of the three panes it is."""

    @property
    def shared(self) -> Services:
        """The engine, the settings and the keys."""

    @property
    def transcript(self) -> Transcript:
        """The cards, with the cursor."""

    @property
    def runs(self) -> Runs:
        """The answers under way."""

    @property
    def draft(self) -> Draft:
        """What was in the composers last, with the model and the parameters."""

    def edited(self) -> Draft:
        """The draft with what the composers now hold."""

    def put(self, draft: Draft, /) -> None:
        """Show another draft."""

    def focus_composer(self) -> None:
        """Go back to writing."""

    def notice(self, message: str, /) -> None:
        """Show a line above the composer; "" takes it away."""

    def run_card(self, card: Card, /) -> None:
        """Show a new card and ask the engine for its answer."""

    def ask(self, card: Card, requests: Iterable[Request], /) -> None:
        """Ask the engine for more of a card that is shown."""

    def card_changed(self, card: Card, /) -> None:
        """Have a card saved."""

    def save_card(self, card: Card, /) -> None:
        """Draw a card that was changed by hand, and have it saved."""

    def remove_card(self, card: Card, /) -> list[Card]:
        """Stop a card and all its forks and take them away; return them, oldest first."""

    def restore_cards(self, cards: list[Card], /) -> None:
        """Bring removed cards back to their places."""

    def copy(self, answer: str, /) -> None:
        """Send a text to the terminal's clipboard, which may or may not take it."""

    def run_worker(self, work: Coroutine[Any, Any, None], /) -> object:
        """Run a coroutine while the pane goes on answering keys."""

    def push_screen(
        self, screen: Screen[Result], then: Callable[[Result | None], None] | None = None, /
    ) -> None:
        """Open a screen over the pane; `then` gets what it returns."""
