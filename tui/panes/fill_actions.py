"""Putting words in the place of masks, one step at a time, each of which can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from engine.messages import PairTable
from tui.cards import FillCard
from tui.cards.refs import InputToken, Ref, WordList
from tui.keys.actions import CardAction
from tui.panes.host import PaneHost
from tui.panes.reading import read_words
from tui.render import fillings
from tui.screens.dialogs import Ask
from tui.strings import text


class FillActions:
    """Acts on the filled texts of one pane."""

    def __init__(self, pane: PaneHost, undoable: Callable[[Callable[[], None]], None]) -> None:
        """`undoable` keeps what takes each step back."""
        self._pane = pane
        self._undoable = undoable

    def do(self, action: CardAction, number: int, card: FillCard) -> None:
        """Do what a key on a card asked for."""
        if card.result is None:
            self._pane.notice(text("notice.no_masks"), lambda: card.result is None)
            return
        match action:
            case "swap_nth":
                self._take(card, number)
            case "ask_words":
                self._ask(card)
            case "pair_table" if card.result.table is not None:
                self._table(card, card.result.table)

    def _take(self, card: FillCard, number: int) -> None:
        """Take from the list under the cursor, at a mask from its candidates."""
        words = _nth(card, self._pane.transcript.ref, number)
        if words is None:
            self._pane.notice(text("notice.no_candidate", n=number))
        else:
            self._put(card, words)

    def _put(self, card: FillCard, words: Mapping[int, str]) -> None:
        """Put words in the place of masks, by the masks' numbers, and fill those that are left."""
        pane = self._pane
        filled, left = card.put(words)
        if left is not None:
            again = FillCard(request=left)
            pane.cards.run(again)
            pane.transcript.enter()
            self._undoable(lambda: self._unfill(again, card))
            return
        # Nothing is left to fill: the sentence is in the composer, to hide another word in. The
        # focus stays on the card, where a key takes the word back.
        before = pane.edited()
        pane.put(msgspec.structs.replace(pane.draft, text=filled, hidden=()))
        pane.notice(text("notice.filled"))

        def unput() -> None:
            pane.put(before)
            self._return_to(card)

        self._undoable(unput)

    def _unfill(self, again: FillCard, card: FillCard) -> None:
        """Take the card of a later step away and go back to the one before."""
        self._pane.cards.remove(again)
        self._return_to(card)

    def _return_to(self, card: FillCard) -> None:
        pane = self._pane
        if pane.transcript.trees.get(card.id) is not None:
            pane.transcript.choose(card.id)
            pane.transcript.focus()

    def _ask(self, card: FillCard) -> None:
        """Ask how likely other words are at the same masks."""
        pane = self._pane

        def asked(written: str | None) -> None:
            words = None if written is None else read_words(pane, written)
            if words:
                request = msgspec.structs.replace(card.request, words=words)
                pane.cards.run(FillCard(request=request))
                pane.transcript.enter()

        before = ", ".join(card.request.words)
        question = text("dialog.words")
        pane.push_screen(Ask(question, before, text("dialog.words_example")), asked)

    def _table(self, card: FillCard, table: PairTable) -> None:
        """Show every pair of words of two masks, under both orders."""
        from tui.screens.pair_table import PairTableScreen

        def chosen(words: dict[int, str] | None) -> None:
            if words:
                self._put(card, words)

        self._pane.push_screen(PairTableScreen(self._pane.shared, table), chosen)


def _nth(card: FillCard, ref: Ref | None, number: int) -> dict[int, str] | None:
    """The words that a digit takes, by the numbers of their masks."""
    result = card.result
    if result is None or not result.masks:
        return None
    if isinstance(ref, WordList) and ref.kind == "joint":
        joint = result.joint[ref.number].fillings[number - 1 : number]
        return dict(enumerate(joint[0].words)) if joint else None
    if isinstance(ref, WordList):
        at = ref.number
        mask = result.masks[at]
        scored = fillings.whole(mask) if ref.kind == "whole" else fillings.ranked(mask.words)
        found = [word.text for word in scored[number - 1 : number]]
    else:
        position = ref.index if isinstance(ref, InputToken) else None
        at = next((n for n, mask in enumerate(result.masks) if mask.position == position), 0)
        found = [word.text for word in result.masks[at].candidates[number - 1 : number]]
    return {at: found[0]} if found else None
