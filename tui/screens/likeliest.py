"""The likeliest continuations from a place in a text, and the probability they cover."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from msgspec import structs
from textual import work
from textual.binding import BindingType
from textual.widget import Widget

from engine.messages import NBest, NBestPath, NBestResult, Progress
from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.screens.base import MessageScreen, Table
from tui.strings import text
from tui.terminal.sanitise import token as shown
from tui.terminal.units import chance, percent

LENGTHS = (1, 64)
"""Tokens that a path may have."""
COUNTS = (5, 100)
"""Paths that may be looked for."""


@dataclass(frozen=True)
class Chosen:
    """Paths to fork into, each by its ids."""

    paths: list[list[int]]
    go_on: bool
    """Whether the text goes on from the first; else all only go into the tree."""


class LikeliestScreen(MessageScreen[Chosen]):
    """Lists the likeliest continuations of one length, found by best-first search."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("likeliest")]

    def __init__(self, shared: Services, card: ContinueCard, place: BranchToken) -> None:
        super().__init__(shared, "")
        self._request = NBest(
            model=card.request.model,
            prompt=card.path(place.branch, place.index),
            precision=card.precision or card.request.precision,
        )
        self._paths: list[NBestPath] = []
        self._table = Table(
            (text("screens.likeliest.rank"), 4),
            (text("screens.likeliest.probability"), 11),
            (text("screens.likeliest.together"), 11),
            (text("screens.likeliest.path"), 200),
            cut=self.cut,
        )

    def body(self) -> Iterator[Widget]:
        yield self._table

    def on_mount(self) -> None:
        """Look for them."""
        self._table.focus()
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        """Ask the engine; a question that was asked before is given up."""
        length, count = self._request.max_tokens, self._request.n
        self.heading(text("screens.likeliest.title", n=count, tokens=length))
        self.show_message(text("screens.likeliest.searching", done=0, of=count))
        async for event in self.answers(self._request):
            if isinstance(event, Progress):
                self.show_message(
                    text("screens.likeliest.searching", done=event.done, of=event.total)
                )
            elif isinstance(event, NBestResult):
                self._show(event)

    def _show(self, found: NBestResult) -> None:
        self._paths = found.paths
        rows: dict[str, tuple[str, ...]] = {}
        mass = 0.0
        for number, path in enumerate(found.paths):
            mass += math.exp(path.logprob)
            written = shown(path.text, path.ids[0], self.shared.glyphs)
            rows[str(number)] = (str(number + 1), chance(path.logprob), percent(mass), written)
        self._table.show(rows)
        key = "covered" if found.complete else "incomplete"
        self.show_message(text(f"screens.likeliest.{key}", n=len(rows), mass=percent(mass).strip()))

    # ------------------------------------------------------------------------ actions

    def action_likeliest_take(self) -> None:
        """Go on from the chosen path."""
        chosen = self._table.chosen
        if chosen is not None and self._paths:
            self.dismiss(Chosen([self._paths[int(chosen)].ids], go_on=True))

    def action_likeliest_branch(self) -> None:
        """Put all of them in the tree."""
        if self._paths:
            self.dismiss(Chosen([path.ids for path in self._paths], go_on=False))

    def action_lengthen(self, by: int) -> None:
        """Look for paths of more tokens, or of fewer."""
        self._change("max_tokens", self._request.max_tokens + by, LENGTHS)

    def action_widen(self, by: int) -> None:
        """Look for more paths, or for fewer."""
        self._change("n", self._request.n + by, COUNTS)

    def _change(self, name: str, value: int, limits: tuple[int, int]) -> None:
        value = max(limits[0], min(value, limits[1]))
        if value != getattr(self._request, name):
            self._request = structs.replace(self._request, **{name: value})
            self._look()
