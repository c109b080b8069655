"""The details of the token under the cursor."""

from __future__ import annotations

from textual.events import Resize

from tui.cards import Card
from tui.cards.refs import Ref
from tui.render.details import details
from tui.render.flow import Line, Span, wrap
from tui.strings import text
from tui.terminal.sanitise import Glyphs
from tui.widgets.lines import LinesView


class Inspector(LinesView, can_focus=True):
    """Shows one token; beside the cards where there is room, over them where there is not."""

    def __init__(self, glyphs: Glyphs) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._lines: list[Line] = []
        self._card: Card | None = None
        self._ref: Ref | None = None
        self.wanted: bool | None = None
        """What the person asked for; None leaves it to the room there is."""
        self.border_title = text("inspector.title")

    @property
    def lines(self) -> list[Line]:
        """The lines that it shows."""
        return self._lines

    def place(self, *, beside: bool) -> None:
        """Show it where there is room `beside` the cards, unless the person asked otherwise."""
        self.display = beside if self.wanted is None else self.wanted

    def toggle(self) -> None:
        """Show or hide it, as the person asked."""
        self.display = self.wanted = not self.display
        if self.display:
            self._rebuild()

    def leaf(self, by: int) -> None:
        """Show it, or move on in it by so many pages, so that one row is still seen."""
        if self.display:
            self.scroll_relative(y=by * max(1, self.size.height - 1), animate=False)
        else:
            self.toggle()

    def show(self, card: Card | None, ref: Ref | None) -> None:
        """Show a token of a card."""
        if card is not self._card or ref != self._ref:
            self.scroll_home(animate=False)
        self._card, self._ref = card, ref
        if self.display:
            self._rebuild()

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self._rebuild()

    def on_show(self) -> None:
        """Catch up with what was missed while hidden."""
        self._rebuild()

    def _rebuild(self) -> None:
        width = max(8, self.size.width - 1)
        lines = [] if self._card is None else details(self._card, self._ref, width, self._glyphs)
        self._lines = lines or wrap([Span(text("inspector.empty"), "facts")], width, " ")
        self.resized()
