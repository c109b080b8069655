"""What can be done with any card."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from tui.cards import Card, copy_request
from tui.export import card_tables
from tui.export.card_tables import CardUnit, Tabled
from tui.export.markdown import Format, save_cards
from tui.files import system_errors
from tui.keys.actions import CardAction
from tui.panes.host import PaneHost
from tui.panes.tracking import Tracker
from tui.screens.forms import Field, Form
from tui.strings import text
from tui.terminal.sanitise import clean

_TABLE: Final = {"unit": CardUnit, "kind": Literal["csv", "tsv"]}
"""What is asked for a table, by the names of its fields."""


class CardActions:
    """Acts on the chosen card of one pane, and takes back what was done."""

    def __init__(
        self,
        pane: PaneHost,
        edit: Callable[[Card], None],
        others: Callable[[CardAction, int, Card], None],
    ) -> None:
        """`edit` brings back what a card was made from; `others` does what only some cards have."""
        self._pane = pane
        self._edit = edit
        self._others = others
        self.tracker = Tracker(pane)
        self._undone: list[Callable[[], None]] = []
        """What takes each step back, the latest last."""

    def do(self, action: CardAction, number: int) -> None:
        """Do what a key on the cards asked for; `number` is which one or how far."""
        if action == "composer":
            self._pane.focus_composer()
            return
        if action == "undo":
            self.undo()
            return
        card = self._pane.transcript.card
        if card is None:
            return
        match action:
            case "rerun":
                self.rerun(card)
            case "edit":
                self._edit(card)
            case "copy":
                self._copy(card)
            case "save":
                self._save(card, "md")
            case "save_text":
                self._save(card, "txt")
            case "save_table":
                self._save_table(card)
            case "tensors":
                self._tensors(card)
            case "track":
                self.tracker.ask(card)
            case "delete":
                self.delete(card)
            case _:
                self._others(action, number, card)

    def rerun(self, card: Card) -> None:
        """Ask the same again, in a new card; without a given seed it is drawn anew."""
        self._pane.cards.run(copy_request(card))

    def _copy(self, card: Card) -> None:
        pane = self._pane
        if not card.answer:
            pane.notice(text("notice.nothing_to_copy"), lambda: not card.answer)
            return
        pane.copy(card.answer)
        pane.notice(text("notice.copied", n=len(card.answer)))

    def _save(self, card: Card, form: Format) -> None:
        pane = self._pane
        pane.notice(save_cards(pane.shared.settings.exports(), [card], form))

    def _save_table(self, card: Card) -> None:
        """Ask what a row is to be, and write the table."""
        pane = self._pane
        if not isinstance(card, Tabled) or not card.answer:
            pane.notice(text("notice.no_table"))
            return
        units = card_tables.units(card)
        fields = [
            Field("unit", str, "word" if "word" in units else "pair", units),
            Field("kind", str, "csv", ("csv", "tsv")),
        ]

        def chosen(values: dict[str, object] | None) -> None:
            if values is None:
                return
            folder, ref = pane.shared.settings.exports(), pane.transcript.ref
            unit, kind = (msgspec.convert(values[n], t) for n, t in _TABLE.items())
            try:
                path = card_tables.save(folder, card, ref, unit, kind)
                pane.notice(text("export.saved", path=clean(str(path))))
            except OSError as error:
                reason = clean(system_errors.reason(error))
                pane.notice(text("export.not_saved", reason=reason))

        pane.push_screen(Form(fields, title=text("dialog.table")), chosen)

    def _tensors(self, card: Card) -> None:
        """Show what the model was fed and what it computed, at the place of the cursor."""
        from tui.screens.tensors import TensorsScreen

        pane = self._pane
        pane.push_screen(TensorsScreen(pane.shared, card, pane.transcript.ref))

    def delete(self, card: Card) -> None:
        """Delete the card with all that was forked from it."""
        pane = self._pane
        gone = pane.cards.remove(card)
        self.undoable(lambda: pane.cards.restore(gone))
        if len(gone) > 1:
            pane.notice(text("notice.deleted_forks", n=len(gone) - 1))
        else:
            pane.notice(text("notice.deleted"))

    def undoable(self, undo: Callable[[], None]) -> None:
        """Keep what takes the step back that was just made."""
        self._undone.append(undo)

    def undo(self) -> None:
        """Take the latest step back."""
        if not self._undone:
            self._pane.notice(text("notice.nothing_to_undo"))
            return
        self._undone.pop()()
        self._pane.notice("")

    def forget(self) -> None:
        """Forget all steps: other cards are shown."""
        self._undone.clear()
