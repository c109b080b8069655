"""The cards of a transcript as lines, one block below the other."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len

from tui.cards import Card
from tui.cards.refs import Ref
from tui.render.blocks import INDENT, PLAIN, Block, Look, block
from tui.render.flow import Line, Span, wrap
from tui.terminal.sanitise import Glyphs


class Stack:
    """The blocks of the cards that are shown, oldest first, and which row each line is in."""

    def __init__(self, glyphs: Glyphs, empty: str = "") -> None:
        self.look = PLAIN
        self._glyphs = glyphs
        self.empty = empty
        """The words that are shown where there are no cards."""
        self._blocks: dict[str, Block] = {}

    @property
    def cards(self) -> list[Card]:
        """The cards shown."""
        return [block.card for block in self._blocks.values()]

    @property
    def ids(self) -> list[str]:
        """The ids of the cards shown, from top to bottom."""
        return list(self._blocks)

    def get(self, card_id: str) -> Block | None:
        """The block of a card, if it is shown."""
        return self._blocks.get(card_id)

    def show(self, cards: Iterable[Card], width: int) -> None:
        """Lay out these cards; what was laid out already is kept."""
        before = self._blocks
        self._blocks = {
            card.id: before.get(card.id) or block(card, width, self._glyphs, self.look)
            for card in cards
        }

    def clear(self) -> None:
        """Show no cards, and keep nothing that was laid out."""
        self._blocks = {}

    def restyle(self, look: Look, width: int) -> None:
        """Lay all cards out for another look at them."""
        self.look = look
        for card_id, old in self._blocks.items():
            new = self._blocks[card_id] = block(old.card, width, self._glyphs, look)
            new.note, new.speed = old.note, old.speed

    def resize(self, width: int) -> None:
        """Lay all cards out for another width."""
        for each in self._blocks.values():
            each.lay_out(width)

    def lines(self, width: int) -> list[Line]:
        """The lines of all cards; `empty` where there is none."""
        if not self._blocks:
            return wrap([Span(self.empty, "facts")], width, INDENT)
        return [line for each in self._blocks.values() for line in each.lines]

    def extent(self, card_id: str | None) -> tuple[int, int]:
        """First row and number of rows of a card, without the blank one after it; 0, 0 for none."""
        top = 0
        for each_id, each in self._blocks.items():
            if each_id == card_id:
                return top, len(each.lines) - 1
            top += len(each.lines)
        return 0, 0

    def at(self, row: int, column: int) -> tuple[str, Ref | None] | None:
        """The card and the token in a row and column, where there is a card."""
        for card_id, each in self._blocks.items():
            if row < len(each.lines):
                return card_id, _token_at(each.lines[row], column)
            row -= len(each.lines)
        return None

    def row_of(self, card_id: str, ref: Ref) -> int | None:
        """The first row with a token of a card."""
        top, _ = self.extent(card_id)
        for row, line in enumerate(self._blocks[card_id].lines, top):
            if any(span.ref == ref for span in line.spans):
                return row
        return None


def _token_at(line: Line, column: int) -> Ref | None:
    for span in line.spans:
        column -= cell_len(span.text)
        if column < 0:
            return span.ref
    return None
