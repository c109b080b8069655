"""Hands what changes to the history, often enough to lose nothing and no more often."""

from __future__ import annotations

from tui.cards import Card, Pane
from tui.drafts import Draft
from tui.history import History

EVERY_S = 0.5
"""A killed app loses at most so much of what a model wrote."""


class Saver:
    """Collects changed cards and drafts until `flush`; the app calls that by a timer."""

    def __init__(self) -> None:
        self.history: History | None = None
        """None until the file is open: what changes before that waits."""
        self._cards: dict[str, Card] = {}
        self._drafts: dict[Pane, Draft] = {}

    def card(self, card: Card) -> None:
        """A card changed; one that ended is saved at once."""
        self._cards[card.id] = card
        if card.status != "running":
            self.flush()

    def draft(self, pane: Pane, draft: Draft) -> None:
        """What stands in a composer changed."""
        self._drafts[pane] = draft

    def removed(self, card: Card, *, back: bool) -> None:
        """A card was deleted, or brought back."""
        self.flush()
        if self.history is not None:
            (self.history.restore_card if back else self.history.delete_card)(card.id)

    def flush(self) -> None:
        """Save all that changed."""
        if self.history is None:
            return
        cards, self._cards = self._cards, {}
        drafts, self._drafts = self._drafts, {}
        for card in cards.values():
            self.history.save_card(card)
        for pane, draft in drafts.items():
            self.history.save_draft(pane, draft)

    async def close(self) -> None:
        """Save what is left and close the file."""
        self.flush()
        if self.history is not None:
            await self.history.close()
