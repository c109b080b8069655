"""What can be done with a card of Score: another witness, shuffles, a text's sentences."""

from __future__ import annotations

from engine.messages import Beside
from tui.cards import DocumentCard, ScoreCard
from tui.panes.host import PaneHost
from tui.screens.document import DocumentScreen
from tui.screens.forms import Picker
from tui.strings import text

PAIR_SHUFFLES = 20
"""Shuffles that a pair is compared with: its figures' places come in steps of 5 percent."""


class ScoreActions:
    """Acts on the pairs and the texts of one pane."""

    def __init__(self, pane: PaneHost) -> None:
        self._pane = pane

    def other_witness(self, card: ScoreCard) -> None:
        """Ask another model about the pair, and show its answer on the same card."""
        pane = self._pane
        asked = {card.request.model, *(each.model for each in card.request.beside)}

        def picked(model: str | None) -> None:
            if model is not None:
                form = pane.shared.link.form(model, card.request.precision)
                self._ask_more(card, beside=Beside(model=model, precision=form))

        pane.push_screen(Picker(pane.shared.link, pane.role, card.request.model, asked), picked)

    def shuffles(self, card: ScoreCard) -> None:
        """Compare the pair's figures with those of its shuffles."""
        self._ask_more(card, shuffles=PAIR_SHUFFLES)

    def _ask_more(
        self, card: ScoreCard, *, shuffles: int | None = None, beside: Beside | None = None
    ) -> None:
        """Run a card's request again with more in it, on the same card."""
        if card.status == "running":
            self._pane.notice(text("notice.no_pair_yet"), lambda: card.status == "running")
            return
        self._pane.cards.ask(card, [card.asking(shuffles=shuffles, beside=beside)])

    def open_document(self, card: DocumentCard) -> None:
        """Show the sentences of a text."""
        pane = self._pane
        pane.push_screen(DocumentScreen(pane.shared, card, pane.cards.save))
