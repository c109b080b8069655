"""What can be done with the cards of a pane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tui.cards import Card, ContinueCard, copy_request
from tui.display import clean
from tui.drafts import Draft
from tui.export import save
from tui.history import Session
from tui.strings import text
from tui.widgets.transcript import Wish

if TYPE_CHECKING:
    from tui.panes.base import TaskPane


class Desk:
    """Acts on the chosen card of one pane."""

    def __init__(self, pane: TaskPane) -> None:
        self._pane = pane
        self._deleted: list[tuple[Card, int]] = []
        self._recall = 0
        """How many prompts back the composer shows; 0 is what the person was writing."""

    def do(self, action: Wish) -> None:
        """Do what a key on the cards asked for."""
        pane = self._pane
        if action == "composer":
            pane.focus_composer()
            return
        if action == "undo":
            self._undo()
            return
        card = pane.transcript.card
        if card is None:
            return
        match action:
            case "rerun":
                self.rerun(card)
            case "edit":
                pane.put(pane.recalled(card))
                pane.focus_composer()
            case "continue_from_end":
                self._go_on(card)
            case "copy":
                self._copy(card)
            case "save":
                self._save(card)
            case "delete":
                self._delete(card)

    def rerun(self, card: Card) -> None:
        """Ask the same again, in a new card; without a given seed it is drawn anew."""
        self._pane.run_card(copy_request(card))

    def _go_on(self, card: Card) -> None:
        """Continue from the end of the branch that the cursor is in."""
        pane = self._pane
        if not isinstance(card, ContinueCard):
            pane.notice(text("notice.only_continue"))
            return
        ref = pane.transcript.ref
        number = 0 if ref is None else ref[0]
        if card.request.chat is not None or number >= len(card.branches):
            pane.notice(text("notice.no_end"))
            return
        branch = card.branches[number]
        ids = [piece.id for piece in card.prompt_tokens] + [token.id for token in branch.tokens]
        request = msgspec.structs.replace(card.request, prompt=ids)
        pane.run_card(ContinueCard(request=request, prompt=card.prompt + branch.text))

    def _copy(self, card: Card) -> None:
        """Send the answer to the terminal's clipboard, which may or may not take it."""
        pane = self._pane
        if not card.answer:
            pane.notice(text("notice.nothing_to_copy"))
            return
        pane.app.copy_to_clipboard(card.answer)
        key = pane.shared.keymap.shown("save")
        pane.notice(text("notice.copied", n=len(card.answer), key=key))

    def _save(self, card: Card) -> None:
        """Write the card to a file of its own."""
        pane = self._pane
        session = Session(card.id, created=card.created, cards=[card])
        try:
            path = save(pane.shared.settings.exports(), session, "md")
        except OSError as error:
            pane.notice(text("notice.not_saved", reason=error.strerror or error))
        else:
            pane.notice(text("notice.saved", path=clean(str(path))))

    def _delete(self, card: Card) -> None:
        """Take the card away, stopping what it waits for."""
        pane = self._pane
        run = pane.runs.live.get(card.id)
        if run is not None and run.answer is not None:
            run.answer.cancel()
        self._deleted.append((card, pane.transcript.remove_card(card.id)))
        pane.post_message(pane.Removed(card, back=False))
        pane.notice(text("notice.deleted", key=pane.shared.keymap.shown("undo")))

    def _undo(self) -> None:
        """Bring the card that was deleted last back to its place."""
        pane = self._pane
        if not self._deleted:
            pane.notice(text("notice.nothing_to_undo"))
            return
        card, index = self._deleted.pop()
        pane.transcript.insert(card, index)
        pane.transcript.choose(card.id)
        pane.post_message(pane.Removed(card, back=True))
        pane.notice("")

    def recall(self, by: int) -> None:
        """Bring an earlier (-1) or later (1) prompt into the composer."""
        pane = self._pane
        if not any(composer.text for composer in pane.composers):
            self._recall = 0
        earlier = self._earlier()
        at = self._recall - by
        if not 0 <= at <= len(earlier):
            return
        self._recall = at
        old = earlier[-at] if at else Draft(model="")
        # Recall brings the words back; the model and the parameters stay as they are.
        words = msgspec.structs.replace(
            pane.draft, text=old.text, second=old.second, hidden=old.hidden
        )
        pane.put(words)
        for composer in pane.composers:
            composer.recalled = composer.text

    def _earlier(self) -> list[Draft]:
        """What was sent here, each text once: of other sessions, then of this one's cards."""
        pane = self._pane
        cards = {card.prompt: pane.recalled(card) for card in pane.transcript.cards}
        older = (prompt for prompt in reversed(pane.older) if prompt not in cards)
        return [*(pane.reworded(prompt) for prompt in older), *cards.values()]
