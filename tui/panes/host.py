"""What the actions on cards need of the pane that holds the cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from textual.screen import Screen

from engine.messages import PrecisionChoice
from tui.cards import Pane
from tui.cards.drafts import Draft
from tui.panes.pane_cards import CardsHost, PaneCards

Result = TypeVar("Result")


class PaneHost(CardsHost, Protocol):
    """A pane, as its action objects see it."""

    @property
    def role(self) -> Pane:
        """Which of the three panes it is."""

    @property
    def cards(self) -> PaneCards:
        """What runs, saves and removes the cards."""

    @property
    def draft(self) -> Draft:
        """What was in the composers last, with the model and the parameters."""

    @property
    def form(self) -> PrecisionChoice:
        """The form of the model's weights that sending asks for."""

    def edited(self) -> Draft:
        """The draft with what the composers now hold."""

    def put(self, draft: Draft, /) -> None:
        """Show another draft."""

    def focus_composer(self) -> None:
        """Go back to writing."""

    def notice(self, message: str, holds: Callable[[], bool] | None = None, /) -> None:
        """Show a line above the composer, for as long as it `holds`; "" takes it away."""

    def copy(self, answer: str, /) -> None:
        """Send a text to the terminal's clipboard, which may or may not take it."""

    def push_screen(
        self, screen: Screen[Result], then: Callable[[Result | None], None] | None = None, /
    ) -> None:
        """Open a screen over the pane; `then` gets what it returns."""
