"""Two masks: every pair of their likeliest words, under both orders of filling them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from engine.messages import PairTable
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.screens.base import MessageScreen, Table
from tui.strings import text


class PairTableScreen(MessageScreen[dict[int, str]]):
    """The pairs, those first that are likeliest from left to right. Ends with the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("pair_table")]

    def __init__(self, shared: Services, table: PairTable) -> None:
        super().__init__(shared, text("screens.pair_table.title"))
        self._pairs = table
        self._table = Table(
            ("#", 3),
            (text("card.mask", n=1), 14),
            (text("card.mask", n=2), 14),
            (text("screens.pair_table.left_first"), 10),
            (text("screens.pair_table.right_first"), 16),
            (text("screens.pair_table.difference"), 12),
            cut=self.cut,
        )

    def body(self) -> Iterator[Widget]:
        yield self._table

    def on_mount(self) -> None:
        """List all pairs, and say what their figures are."""
        pairs = [
            (i, j) for i in range(len(self._pairs.left)) for j in range(len(self._pairs.right))
        ]
        left_first, right_first = self._pairs.left_first, self._pairs.right_first
        back = sorted(pairs, key=lambda pair: -right_first[pair[0]][pair[1]])
        place = {pair: rank for rank, pair in enumerate(back, 1)}
        pairs.sort(key=lambda pair: -left_first[pair[0]][pair[1]])
        self._table.show(
            {
                f"{i} {j}": (
                    str(rank),
                    self._pairs.left[i].text,
                    self._pairs.right[j].text,
                    f"{left_first[i][j]:9.4f}",
                    f"{right_first[i][j]:9.4f} (#{place[i, j]})",
                    f"{left_first[i][j] - right_first[i][j]:+6.2f}",
                )
                for rank, (i, j) in enumerate(pairs, 1)
            }
        )
        self.show_message(text("screens.pair_table.legend"))
        self._table.focus()

    def action_pair_table_take(self) -> None:
        """Put the chosen pair in the place of the masks."""
        if self._table.chosen is not None:
            i, j = map(int, self._table.chosen.split())
            self.dismiss({0: self._pairs.left[i].text, 1: self._pairs.right[j].text})
