"""The way back through what was sent, with the up and down keys of a composer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tui.cards import Card
from tui.cards.drafts import Draft
from tui.panes.host import PaneHost
from tui.widgets.composer import Composer


class RecallHost(PaneHost, Protocol):
    """A pane with what was sent in it."""

    @property
    def composers(self) -> Sequence[Composer]:
        """The editors, first to last."""

    @property
    def older(self) -> Sequence[str]:
        """What was sent in any session, the latest first."""

    def recalled(self, card: Card, /) -> Draft:
        """The draft that made a card."""

    def reworded(self, prompt: str, /) -> Draft:
        """The draft with another prompt, as the history holds it."""


class Recall:
    """Walks through the drafts that were sent in one pane."""

    def __init__(self, pane: RecallHost) -> None:
        self._pane = pane
        self._back = 0
        """How many drafts back; 0 is what the person was writing."""

    def move(self, by: int) -> None:
        """Show the words of the draft before (-1) or after (1); model and parameters stay."""
        pane = self._pane
        if not any(composer.text for composer in pane.composers):
            self._back = 0
        earlier = self._earlier()
        back = self._back - by
        if not 0 <= back <= len(earlier):
            return
        self._back = back
        old = earlier[-back] if back else Draft(model="")
        words = {"text": old.text, "second": old.second, "hidden": old.hidden}
        pane.put(msgspec.structs.replace(pane.draft, **words))
        for composer in pane.composers:
            composer.recalled = composer.text

    def _earlier(self) -> list[Draft]:
        """What was sent, each text once: in other sessions, then by the cards of this one."""
        pane = self._pane
        cards = {card.wrote: pane.recalled(card) for card in pane.transcript.cards}
        older = (prompt for prompt in reversed(pane.older) if prompt not in cards)
        return [*(pane.reworded(prompt) for prompt in older), *cards.values()]
