"""A text as a list of sentences that can be moved, with the score of every gap beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import ClassVar

import msgspec
from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.messages import Arranged, DocumentResult, MatrixCells, Progress
from tui.cards import DocumentCard
from tui.connection.services import Services
from tui.export.markdown import save_cards
from tui.keys.actions import bindings
from tui.render import curve
from tui.screens.base import MessageScreen, Table
from tui.screens.matrix import MatrixScreen
from tui.strings import text, worded
from tui.terminal.sanitise import clean

RANDOM_ORDERS = 1000
"""Orders of the sentences that theirs is compared with: free once the matrix is there."""
_BAR = 14


class DocumentScreen(MessageScreen[None]):
    """Shows the sentences of one card and asks the engine what a move changes."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("document")]

    def __init__(
        self, shared: Services, card: DocumentCard, changed: Callable[[DocumentCard], None]
    ) -> None:
        """`changed` has the card saved and drawn among the others."""
        super().__init__(shared, text("help.document.title"))
        self._card = card
        self._changed = partial(changed, card)
        self._scores: dict[tuple[int, int], float | None] = {}
        """The gap of each two sentences that were neighbours, in whatever order."""
        self._before = ""
        """The last mean score."""
        self._table = Table(
            (text("screens.document.number"), 3),
            (text("screens.document.score"), 8),
            ("", _BAR),
            ("", 2),
            (text("screens.document.sentence"), 400),
            cut=self.cut,
        )
        self._summary = Static(classes="message", markup=False)
        self._chosen = Static(classes="details", markup=False)

    def body(self) -> Iterator[Widget]:
        """The list, the sentence under the cursor in full, and the figures of the whole text."""
        yield self._table
        yield self._chosen
        yield self._summary

    def on_mount(self) -> None:
        """Show what the card holds, and ask for what it lacks."""
        self._table.focus()
        self._know()
        if self._card.result is None or self._card.status != "done":
            self._ask()
        else:
            self._draw()

    # ------------------------------------------------------------------------- asking

    @work(exclusive=True)
    async def _ask(
        self, *, matrix: bool = False, place: int | None = None, order: bool = False
    ) -> None:
        """Score the sentences in their present order, and do what the answer was wanted for."""
        card, before = self._card, self._before
        arranged = await self._answer(matrix=matrix, place=place, order=order)
        if place is None and not order:
            if before and card.earlier and not matrix:
                self.show_message(text("screens.document.moved", before=before, after=self._mean))
            return
        if arranged is None:
            return
        at = list(range(len(card.order)))
        outcome = "in_order"
        if order:
            at = arranged.order
            outcome = "best_order" if arranged.exact else "better_order"
        elif place is not None:
            best = max(at, key=lambda there: (arranged.places[there], there == place))
            at.insert(best, at.pop(place))
            outcome = "best_place"
        if at == sorted(at):
            self.show_message(text(f"screens.document.{'in_order' if order else 'in_place'}"))
            return
        card.reorder([card.order[number] for number in at])
        self._draw()
        await self._answer()
        self.show_message(
            text(
                f"screens.document.{outcome}",
                place=0 if place is None else at.index(place) + 1,
                before=before,
                after=self._mean,
            )
        )

    async def _answer(
        self, *, matrix: bool = False, place: int | None = None, order: bool = False
    ) -> Arranged | None:
        """Fold one answer into the card."""
        card = self._card
        known, total = self._cells
        request = msgspec.structs.replace(
            card.asking(),
            matrix=matrix,
            place=place,
            order=order,
            shuffles=RANDOM_ORDERS if matrix or known == total > 0 else 0,
        )
        card.status, card.error = "running", None
        self.shared.running.add(card.id)
        self.show_message(text("screens.document.waiting"))
        try:
            async for event in self.answers(request):
                card.fold(event)
                if isinstance(event, DocumentResult):
                    self.show_message("")
                    self._know()
                    self._draw()
                elif isinstance(event, Arranged):
                    self._summarise()
                elif isinstance(event, Progress | MatrixCells):
                    self._show_progress(event)
        finally:
            # Also where it is stopped by another question, or by leaving.
            if card.status == "running":
                card.status = "cancelled"
            self.shared.running.discard(card.id)
            self._changed()
        return card.arranged

    def _show_progress(self, event: Progress | MatrixCells) -> None:
        done, total = self._cells if isinstance(event, MatrixCells) else (event.done, event.total)
        self.show_message(text("screens.document.scoring", done=done, total=total))
        if done == total:
            self.show_message("")

    @property
    def _cells(self) -> tuple[int, int]:
        """How many cells of the matrix there are, and of how many."""
        count = len(self._card.order)
        known = sum(score is not None for row in self._card.matrix for score in row)
        return known, count * (count - 1)

    # ------------------------------------------------------------------------ showing

    def _know(self) -> None:
        """Store the scores of the sentences in their present order."""
        if self._card.result is not None:
            gaps = zip(pairwise(self._card.order), self._card.result.gaps, strict=True)
            self._scores |= {pair: gap.score for pair, gap in gaps}
            self._before = self._mean

    @property
    def _mean(self) -> str:
        """The mean score, as it is shown."""
        result = self._card.result
        return "-" if result is None else f"{result.coherence:+.2f}"

    def _draw(self) -> None:
        """The sentences in their present order, with the gaps scored so far."""
        card, glyphs = self._card, self.shared.glyphs
        scores = [self._scores.get(pair) for pair in pairwise(card.order)]
        bars = curve.lengths(scores, _BAR, glyphs)
        rows: dict[str, tuple[str, ...]] = {}
        for at, number in enumerate(card.order):
            score = scores[at] if at < len(scores) else None
            marks = glyphs.on if card.result is not None and at in card.result.boundaries else " "
            marks += glyphs.off if at in card.reference else " "
            written = " ".join(card.sentences[number].text.split())
            rows[str(number)] = (
                str(number + 1),
                "" if score is None else f"{score:>+8.2f}",
                bars[at] if at < len(bars) else "",
                marks,
                written,
            )
        self._table.show(rows)
        self.heading(text("screens.document.title", n=len(rows), model=clean(card.request.model)))
        self._summarise()
        self._show_chosen()

    def _summarise(self) -> None:
        """The figures of the whole text, once its gaps are scored."""
        card, result, glyphs = self._card, self._card.result, self.shared.glyphs
        if result is None:
            return
        parts = [
            text(
                "screens.document.summary",
                mean=self._mean,
                witness=text(f"witness.{result.witness}"),
                threshold=f"{result.threshold:.2f}",
                filled=glyphs.on,
                hollow=glyphs.off,
            )
        ]
        if result.pk is not None and result.window_diff is not None:
            parts.append(
                text(
                    "screens.document.agreement",
                    pk=f"{result.pk:.2f}",
                    window_diff=f"{result.window_diff:.2f}",
                )
            )
        if card.arranged is not None and card.arranged.percentile is not None:
            parts.append(
                text(
                    "screens.document.percentile",
                    percentile=f"{card.arranged.percentile:.1f}",
                    n=card.arranged.shuffles,
                )
            )
        self._summary.update(glyphs.dot.join(parts))

    @on(DataTable.RowHighlighted)
    def _show_chosen(self) -> None:
        """The sentence under the cursor in full, and its gap."""
        at, card = self._at, self._card
        if at is None:
            return
        number = card.order[at]
        place = str(number + 1)
        if card.result is not None and at < len(card.result.gaps):
            gap = card.result.gaps[at]
            back = getattr(gap.backward, card.result.witness)
            place = text(
                "screens.document.gap",
                number=number + 1,
                depth="-" if gap.depth is None else f"{gap.depth:.2f}",
                back="-" if back is None else f"{back:+.2f}",
            )
            place = f"{place} {worded(gap.forward.error)}".rstrip()
        written = " ".join(card.sentences[number].text.split())
        self._chosen.update(clean(f"{place}\n{written}"))

    @property
    def _at(self) -> int | None:
        """The place of the sentence under the cursor."""
        chosen = self._table.chosen
        return None if chosen is None else self._card.order.index(int(chosen))

    # ------------------------------------------------------------------------ actions

    def _move(self, by: int) -> None:
        """Move the sentence under the cursor past its neighbour."""
        at, order = self._at, list(self._card.order)
        if at is None or not 0 <= at + by < len(order):
            return
        order[at], order[at + by] = order[at + by], order[at]
        self._card.reorder(order)
        self._draw()
        self._ask()

    def action_document_up(self) -> None:
        """Move the sentence up."""
        self._move(-1)

    def action_document_down(self) -> None:
        """Move the sentence down."""
        self._move(1)

    def action_document_undo(self) -> None:
        """Go back to the order before."""
        if not self._card.undo():
            self.show_message(text("screens.document.no_undo"))
            return
        self._draw()
        self._ask()

    def action_document_place(self) -> None:
        """Move the sentence to where the whole scores most."""
        if self._at is not None:
            self._ask(place=self._at)

    def action_document_order(self) -> None:
        """Look for a better order."""
        if self._card.sentences:
            self._ask(order=True)

    def action_document_matrix(self) -> None:
        """Score every pair, and show them."""
        if not self._card.sentences:
            return
        if not self._card.matrix or self._cells[0] < self._cells[1]:
            self._ask(matrix=True)
        self.app.push_screen(MatrixScreen(self.shared, self._card))

    def action_document_stop(self) -> None:
        """Stop scoring and keep what came."""
        if self._card.status == "running":
            self.workers.cancel_node(self)
            self.show_message(text("card.cancelled"))

    def action_document_save(self) -> None:
        """Write the card to a file of its own."""
        self.show_message(save_cards(self.shared.settings.exports(), [self._card], "md"))
