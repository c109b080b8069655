"""The score of every sentence right after every other, as far as it was scored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from tui.cards import DocumentCard
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.render.flow import Line, Span
from tui.screens.base import Overlay
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.widgets.lines import LinesView

_CELL = 7
_HEAD = 5
"""Cells of the column of row numbers."""


class Grid(LinesView, can_focus=True):
    """The part of the matrix around the chosen cell that there is room for."""

    def __init__(self, card: DocumentCard) -> None:
        super().__init__()
        self.row, self.column = 0, 1
        self._card = card
        self._top = self._left = 0
        self._lines: list[Line] = []

    @property
    def lines(self) -> list[Line]:
        """The numbers of the sentences, then a row for each."""
        return self._lines

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self.draw()

    def go(self, rows: int, columns: int) -> None:
        """Choose another cell."""
        last = len(self._card.order) - 1
        self.row = max(0, min(self.row + rows, last))
        self.column = max(0, min(self.column + columns, last))
        self.draw()

    def draw(self) -> None:
        """Show the cells scored so far, with the chosen one among them."""
        order = self._card.order
        height = max(1, self.size.height - 1)
        width = max(1, (self.size.width - _HEAD) // _CELL)
        self._top = _window(self._top, self.row, height, len(order))
        self._left = _window(self._left, self.column, width, len(order))
        columns = range(self._left, min(self._left + width, len(order)))
        head = "".join(f"{order[at] + 1:>{_CELL}}" for at in columns)
        self._lines = [Line((Span(" " * _HEAD + head, "facts"),))]
        for row in range(self._top, min(self._top + height, len(order))):
            spans = [Span(f"{order[row] + 1:>{_HEAD}}", "facts")]
            for column in columns:
                chosen = (row, column) == (self.row, self.column)
                spans.append(
                    Span(f"{self.cell_text(row, column):>{_CELL}}", "cursor" if chosen else "")
                )
            self._lines.append(Line(tuple(spans)))
        self.resized()

    def cell_text(self, row: int, column: int) -> str:
        """A cell's score in few characters."""
        matrix = self._card.matrix
        score = matrix[row][column] if matrix else None
        if score is None:
            return "." if row != column else "-"
        return f"{score:+.2f}" if abs(score) < 100 else f"{score:+.0f}"


def _window(first: int, chosen: int, size: int, count: int) -> int:
    """Where a window of this size begins so that it shows the chosen one, moving little."""
    first = min(max(first, chosen - size + 1), chosen)
    return max(0, min(first, count - size))


class MatrixScreen(Overlay[None]):
    """Follows a card's matrix while it fills."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("matrix")]

    def __init__(self, shared: Services, card: DocumentCard) -> None:
        super().__init__(shared, text("help.matrix.title"))
        self._card = card
        self._grid = Grid(card)
        self._details = Static(classes="details", markup=False)
        self._drawn = -1

    def body(self) -> Iterator[Widget]:
        """The cells, and the two sentences of the chosen one."""
        yield self._grid
        yield self._details

    def on_mount(self) -> None:
        self._grid.focus()
        self.set_interval(0.1, self._follow)
        self._follow()

    def _follow(self) -> None:
        known = sum(score is not None for row in self._card.matrix for score in row)
        if known == self._drawn:
            return
        self._drawn = known
        count = len(self._card.order)
        result = self._card.result
        if result is not None:
            witness = text(f"witness.{result.witness}")
            total = count * (count - 1)
            self.heading(text("screens.matrix.title", done=known, total=total, witness=witness))
        self._grid.draw()
        self._show_cell()

    def _show_cell(self) -> None:
        row, column = self._grid.row, self._grid.column
        first, second = (self._card.order[at] for at in (row, column))
        cell_text = text(
            "screens.matrix.cell",
            first=first + 1,
            second=second + 1,
            score=self._grid.cell_text(row, column),
            back=self._grid.cell_text(column, row),
        )
        written = (" ".join(self._card.sentences[n].text.split()) for n in (first, second))
        self._details.update("\n".join([cell_text, *map(clean, written)]))

    def action_matrix_go(self, rows: int, columns: int) -> None:
        """Choose another cell."""
        self._grid.go(rows, columns)
        self._show_cell()
