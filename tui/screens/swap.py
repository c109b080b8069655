"""Another token for a place in a text: chosen among the likeliest, or searched for."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from engine.messages import Find, Found, Match
from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.render.bars import bar
from tui.screens.base import MessageScreen, Table
from tui.strings import text
from tui.terminal.sanitise import token as shown
from tui.terminal.units import chance

_BAR = 20


class Swap(MessageScreen[list[int]]):
    """Lists tokens with their probability here, and dismisses with the ids of the chosen one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("swap")]

    def __init__(self, shared: Services, card: ContinueCard, place: BranchToken) -> None:
        branch, at = place.branch, place.index
        token = card.branches[branch].tokens[at]
        super().__init__(
            shared, text("screens.swap.title", token=shown(token.text, token.id, shared.glyphs))
        )
        self._place = Find(
            model=card.request.model,
            ids=card.path(branch, at),
            precision=card.precision or card.request.precision,
        )
        self._now = token.id
        self._rows: list[Match] = [
            Match(ids=[other.id], text=other.text, logprob=other.logprob, rank=rank)
            for rank, other in enumerate(token.top, 1)
        ]
        self._likeliest = self._rows
        self._search = Input(
            placeholder=text("screens.swap.search"), classes="search", compact=True
        )
        self._table = Table(
            (" ", 1),
            (text("screens.swap.rank"), 6),
            (text("screens.swap.token"), 24),
            (text("screens.swap.probability"), 11),
            ("", _BAR),
            cut=self.cut,
        )

    def body(self) -> Iterator[Widget]:
        """What is searched for above what is found."""
        yield self._search
        yield self._table

    def on_mount(self) -> None:
        """Show the likeliest at once; they came with the token."""
        self._show(self._rows)
        self._search.focus()

    def _show(self, rows: list[Match]) -> None:
        self._rows = rows
        self._table.show({str(number): self._row(match) for number, match in enumerate(rows)})
        self._table.move_cursor(row=0, animate=False)

    def _row(self, match: Match) -> tuple[str, ...]:
        glyphs = self.shared.glyphs
        probability = math.exp(match.logprob)
        return (
            glyphs.on if match.ids == [self._now] else "",
            text("screens.swap.pieces", n=len(match.ids))
            if match.rank is None
            else f"{match.rank}",
            shown(match.text, match.ids[0], glyphs),
            chance(match.logprob),
            "".join(bar(probability, _BAR, glyphs)),
        )

    @on(Input.Changed)
    @work(exclusive=True)
    async def _look(self, event: Input.Changed) -> None:
        """Ask the engine for what is written, in the whole vocabulary."""
        if not event.value.strip():
            self.show_message("")
            self._show(self._likeliest)
            return
        request = Find(
            model=self._place.model,
            ids=self._place.ids,
            query=event.value,
            precision=self._place.precision,
        )
        async for found in self.answers(request):
            if isinstance(found, Found):
                self._show(found.matches)
                self.show_message(text("screens.swap.found", n=found.tokens))

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_swap_take()

    def action_swap_take(self) -> None:
        """End with the row under the cursor."""
        chosen = self._table.chosen
        if chosen is not None and self._rows:
            self.dismiss(self._rows[int(chosen)].ids)

    def action_swap_up(self) -> None:
        """Go up in the list, also while writing."""
        self._table.action_cursor_up()

    def action_swap_down(self) -> None:
        """Go down in the list, also while writing."""
        self._table.action_cursor_down()
