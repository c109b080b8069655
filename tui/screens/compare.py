"""Two texts side by side, or one text under two models and where they differ most."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.cells import set_cell_size
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widget import Widget

from tui.analysis.alignment import Stretch, align
from tui.analysis.heat import bits, shade
from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.render.facts import convention
from tui.render.flow import Line, Span, wrap
from tui.screens.base import MessageScreen
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.widgets.lines import LinesView


class Column(LinesView, can_focus=True):
    """One of the texts."""

    def __init__(self, card: ContinueCard) -> None:
        super().__init__()
        self.card = card
        self.marked: tuple[int, int] = (0, 0)
        """First token that is marked, and the one after the last."""
        self._lines: list[Line] = []

    @property
    def lines(self) -> list[Line]:
        """The text, its tokens shaded by their surprisal."""
        return self._lines

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self.draw()

    def draw(self) -> None:
        """Lay the text out, and see what is marked."""
        width = max(8, self.size.width - 1)
        tokens = self.card.branches[0].tokens if self.card.branches else []
        # A prompt that says nothing is that of a text that was only read.
        spans = [Span(clean(self.card.prompt), "prompt")]
        for number, token in enumerate(tokens):
            inside = self.marked[0] <= number < self.marked[1]
            style = "cursor" if inside else shade(token)
            spans.append(Span(clean(token.text), style, BranchToken(0, number)))
        self._lines = [*self._facts(width), Line(), *wrap(spans, width, " ")]
        self.resized()
        for row, line in enumerate(self._lines):
            if any(span.style == "cursor" for span in line.spans):
                self.scroll_to(y=max(0, row - self.size.height // 2), animate=False)
                break

    def _facts(self, width: int) -> list[Line]:
        tokens = self.card.branches[0].tokens if self.card.branches else []
        nats = -sum(token.logprob for token in tokens)
        counts = text("screens.compare.facts", tokens=len(tokens), bits=f"{bits(nats):.1f}")
        characters = max(1, sum(len(token.text) for token in tokens))
        mean = text("screens.compare.mean", bits=f"{bits(nats) / characters:.2f}")
        name = clean(self.card.name or self.card.request.model)
        # The convention follows once the engine has reported the prompt's tokens.
        scored = convention(self.card) if self.card.prompt_tokens else ""
        # Of one height on both sides, so that the texts begin in one row.
        lines = (name, counts, mean, scored)
        cut = [set_cell_size(f" {line}", width).rstrip() for line in lines]
        return [Line((Span(line, "facts"),)) for line in cut]


class CompareScreen(MessageScreen[None]):
    """Two continuations; they may still be on their way."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("compare")]

    def __init__(
        self,
        shared: Services,
        one: ContinueCard,
        other: ContinueCard,
        changed: Callable[[ContinueCard], None],
    ) -> None:
        """`changed` has a card saved."""
        self._changed = changed
        names = [clean(card.name or card.request.model) for card in (one, other)]
        super().__init__(shared, text("screens.compare.title", one=names[0], other=names[1]))
        self._columns = (Column(one), Column(other))
        self._stretches: list[Stretch] = []
        """The spans of a text that is the same on both sides, the greatest difference first."""
        self._at = -1
        self._drawn = (-1, -1)

    def body(self) -> Iterator[Widget]:
        """The two texts side by side."""
        with Horizontal(classes="columns"):
            yield from self._columns

    def on_mount(self) -> None:
        """Follow texts that are still being written."""
        self._columns[0].focus()
        self.set_interval(0.1, self._follow)
        self._follow()

    def _follow(self) -> None:
        sides = [c.card.branches[0].tokens if c.card.branches else [] for c in self._columns]
        counts = (len(sides[0]), len(sides[1]))
        if counts == self._drawn:
            return
        self._drawn = counts
        for column in self._columns:
            column.draw()
        texts = [column.card.prompt + column.card.answer for column in self._columns]
        skipped = len(self._columns[1].card.prompt) - len(self._columns[0].card.prompt)
        if all(sides) and texts[0] == texts[1]:
            found = align(sides[0], sides[1], skipped)
            self._stretches = sorted(found, key=lambda part: -abs(part.difference))
            self.show_message(text("screens.compare.same", n=len(found)))

    # ------------------------------------------------------------------------ actions

    def action_compare_better(self, side: int) -> None:
        """Note that one of the texts, by its column, is the better one."""
        better, worse = (self._columns[number].card for number in (side, 1 - side))
        better.won = [*better.won, worse.id]
        self._changed(better)
        name = clean(better.name) or text(f"screens.compare.{'right' if side else 'left'}")
        self.show_message(text("screens.compare.rated", name=name))

    def action_compare_next(self, by: int) -> None:
        """Go to the span with the next smaller difference, or the next greater one."""
        if not self._stretches:
            self.show_message(text("screens.compare.different"))
            return
        self._at = max(0, min(self._at + by, len(self._stretches) - 1))
        found = self._stretches[self._at]
        for column, part in zip(self._columns, (found.one, found.other), strict=True):
            column.marked = part
            column.draw()
        tokens = self._columns[0].card.branches[0].tokens[found.one[0] : found.one[1]]
        written = "".join(token.text for token in tokens)
        self.show_message(
            text(
                "screens.compare.span",
                n=self._at + 1,
                of=len(self._stretches),
                text=clean(" ".join(written.split())),
                one=f"{bits(found.nats[0]):.2f}",
                other=f"{bits(found.nats[1]):.2f}",
                difference=f"{bits(found.difference):+.2f}",
            )
        )

    def action_compare_scroll(self, by: int) -> None:
        """Move both texts."""
        for column in self._columns:
            column.scroll_relative(y=by, animate=False)
