"""What a model was fed for a card and what it computed."""

from __future__ import annotations

from collections.abc import Iterator

from textual.events import Resize
from textual.widget import Widget

from tui.cards import Card
from tui.cards.refs import Ref
from tui.connection.services import Services
from tui.render.tensors import tensor_lines
from tui.screens.base import Overlay
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.widgets.lines import Page


class TensorsPage(Page):
    """The tensors, one below the other."""

    def __init__(self, card: Card, ref: Ref | None, glyphs: Glyphs) -> None:
        super().__init__()
        self._about = card, ref, glyphs

    def on_resize(self, event: Resize) -> None:
        """Lay out for the new width."""
        card, ref, glyphs = self._about
        self.put(tensor_lines(card, ref, max(8, self.size.width - 1), glyphs))


class TensorsScreen(Overlay[None]):
    """One page, longer than the screen where it must be; arrows scroll it."""

    def __init__(self, shared: Services, card: Card, ref: Ref | None) -> None:
        super().__init__(shared, text("screens.tensors.title", model=clean(card.request.model)))
        self._page = TensorsPage(card, ref, shared.glyphs)

    def body(self) -> Iterator[Widget]:
        yield self._page

    def on_mount(self) -> None:
        """Let the arrows scroll at once."""
        self._page.focus()
