"""What can be done with the cards of a pane."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

import msgspec

from engine.messages import Beside
from tui.cards import Card, ContinueCard, DocumentCard, FillCard, ScoreCard, copy_request, replay
from tui.cards.drafts import Draft
from tui.cards.refs import BranchToken
from tui.cards.replay import Replay
from tui.export.markdown import save_card
from tui.keys.actions import CardAction
from tui.panes.fill_actions import Fillings
from tui.panes.fork_actions import Forks
from tui.screens.compare import CompareScreen
from tui.screens.document import DocumentScreen
from tui.screens.forms import Picker
from tui.strings import text
from tui.terminal.sanitise import clean, token

if TYPE_CHECKING:
    from tui.panes.base import TaskPane

PAIR_SHUFFLES = 20
"""Shuffles that a pair is set against: its figures' places come in steps of 5 percent."""


class Desk:
    """Acts on the chosen card of one pane."""

    def __init__(self, pane: TaskPane) -> None:
        self._pane = pane
        self._forks = Forks(pane)
        self._undone: list[Callable[[], None]] = []
        """What takes each step back, the latest last."""
        self._fillings = Fillings(pane, self._undone.append)
        self._recall = 0
        """How many prompts back the composer shows; 0 is what the person was writing."""

    def do(self, action: CardAction, number: int) -> None:
        """Do what a key on the cards asked for; `number` says which one or how far."""
        pane = self._pane
        if action == "composer":
            pane.focus_composer()
            return
        if action == "undo":
            self.undo()
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
            case "continue_from_end" if isinstance(card, ContinueCard):
                self._go_on(card)
            case "copy":
                self._copy(card)
            case "save":
                pane.notice(save_card(pane.shared.settings.exports(), card))
            case "delete":
                self.delete(card)
            case "other_model" if isinstance(card, ScoreCard):
                self._other_witness(card)
            case "other_model" if isinstance(card, ContinueCard):
                self._other_model(card)
            case "replay" if isinstance(card, ContinueCard):
                pane.run_worker(self._replay(card))
            case "shuffles" if isinstance(card, ScoreCard):
                self._ask_more(card, shuffles=PAIR_SHUFFLES)
            case "open_document" if isinstance(card, DocumentCard):
                pane.app.push_screen(DocumentScreen(pane.shared, card, pane.save_card))
            case _ if isinstance(card, FillCard):
                self._fillings.do(action, number, card)
            case _ if isinstance(card, ContinueCard):
                self._forks.do(action, number, card)

    def rerun(self, card: Card) -> None:
        """Ask the same again, in a new card; without a given seed it is drawn anew."""
        self._pane.run_card(copy_request(card))

    def _go_on(self, card: ContinueCard) -> None:
        """Continue from the end of the branch that the cursor is in."""
        pane = self._pane
        ref = pane.transcript.ref
        number = ref.branch if isinstance(ref, BranchToken) else 0
        if number >= len(card.branches):
            pane.notice(text("notice.no_end"))
            return
        branch = card.branches[number]
        ids = [piece.id for piece in card.prompt_tokens] + [token.id for token in branch.tokens]
        length = card.request.max_tokens or pane.draft.max_tokens
        request = msgspec.structs.replace(card.request, prompt=ids, begin="", max_tokens=length)
        pane.run_card(ContinueCard(request=request, prompt=card.prompt + branch.text))

    def _other_model(self, card: ContinueCard) -> None:
        """Ask another model the same, and show both side by side."""
        pane = self._pane
        if not card.branches:
            pane.notice(text("notice.no_tokens"))
            return

        def picked(model: str | None) -> None:
            if model is None:
                return
            other = card.under(model, pane.shared.link.form(model, card.request.precision))
            pane.run_card(other)
            pane.app.push_screen(CompareScreen(pane.shared, card, other))

        pane.app.push_screen(Picker(pane.shared.link, pane.role, card.request.model), picked)

    def _other_witness(self, card: ScoreCard) -> None:
        """Ask another model about the pair, and show what it says on the same card."""
        pane = self._pane
        asked = {card.request.model, *(each.model for each in card.request.beside)}

        def picked(model: str | None) -> None:
            if model is not None:
                form = pane.shared.link.form(model, card.request.precision)
                self._ask_more(card, beside=Beside(model=model, precision=form))

        picker = Picker(pane.shared.link, pane.role, card.request.model, asked)
        pane.app.push_screen(picker, picked)

    def _ask_more(
        self, card: ScoreCard, *, shuffles: int | None = None, beside: Beside | None = None
    ) -> None:
        """Run a card's request again with more in it, on the same card."""
        if card.status == "running":
            self._pane.notice(text("notice.no_pair_yet"))
            return
        request = card.asking(shuffles=shuffles, beside=beside)
        self._pane.run_worker(self._pane.runs.run(card, [request]))

    async def _replay(self, card: ContinueCard) -> None:
        """Make the text again, and say whether it is the same."""
        pane = self._pane
        if not card.branches or card.status == "running":
            pane.notice(text("notice.no_tokens"))
            return
        pane.notice(text("replay.running"))
        try:
            answer = await pane.shared.link.request(replay.request(card))
        except OSError as error:
            pane.notice(text("notice.no_engine", reason=error.strerror or error))
            return
        async with aclosing(answer) as events:
            found = await replay.replay(card, events)
        pane.notice(self._replayed(card, found))

    def _replayed(self, card: ContinueCard, found: Replay) -> str:
        """What is told of it."""
        if found.error is not None:
            return clean(f"{found.error.message} {found.error.hint}".strip())
        told = text("replay.same")
        if found.difference is not None:
            was, now = (
                "" if each is None else token(each.text, each.id, self._pane.shared.glyphs)
                for each in (found.difference.was, found.difference.now)
            )
            told = text(
                "replay.differs",
                branch=found.difference.branch + 1,
                token=found.difference.at + 1,
                was=was,
                now=now,
            )
        if found.revision != card.revision:
            told += text("replay.revision", was=card.revision, now=found.revision)
        return told[:1].upper() + told[1:]

    def _copy(self, card: Card) -> None:
        """Send the answer to the terminal's clipboard, which may or may not take it."""
        pane = self._pane
        if not card.answer:
            pane.notice(text("notice.nothing_to_copy"))
            return
        pane.app.copy_to_clipboard(card.answer)
        key = pane.shared.keymap.shown("save")
        pane.notice(text("notice.copied", n=len(card.answer), key=key))

    def delete(self, card: Card) -> None:
        """Take the card away with all that was forked from it, stopping what they wait for."""
        pane = self._pane
        gone = pane.transcript.remove_card(card)
        self._undone.append(lambda: self._restore(gone))
        for each in gone:
            pane.runs.stop_card(each)
            pane.post_message(pane.Removed(each, back=False))
        key = pane.shared.keymap.shown("undo")
        told = text("notice.deleted", key=key)
        if len(gone) > 1:
            told = text("notice.deleted_forks", n=len(gone) - 1, key=key)
        pane.notice(told)

    def undo(self) -> None:
        """Take back what was deleted or filled in last."""
        pane = self._pane
        if not self._undone:
            pane.notice(text("notice.nothing_to_undo"))
            return
        self._undone.pop()()
        pane.notice("")

    def forget(self) -> None:
        """Let nothing be taken back any more: other cards are shown."""
        self._undone.clear()

    def _restore(self, cards: list[Card]) -> None:
        """Bring deleted cards back to their place."""
        pane = self._pane
        pane.transcript.restore(cards)
        for each in cards:
            pane.post_message(pane.Removed(each, back=True))
        if isinstance(cards[0], ContinueCard):
            pane.transcript.turn_to(cards[0])
        else:
            pane.transcript.choose(cards[0].id)

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
        cards = {card.wrote: pane.recalled(card) for card in pane.transcript.cards}
        older = (prompt for prompt in reversed(pane.older) if prompt not in cards)
        return [*(pane.reworded(prompt) for prompt in older), *cards.values()]
