"""The cards of a pane, one below the other."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Click, Resize
from textual.geometry import Region
from textual.message import Message
from textual.reactive import reactive

from tui.analysis.heat import HEATS, Heat, shade
from tui.analysis.leaps import Leap, stops
from tui.cards import Card, ContinueCard
from tui.cards.forks import Trees
from tui.cards.refs import BranchToken, Ref
from tui.keys.actions import ON_CARDS, CardAction, bindings
from tui.render.blocks import Look
from tui.render.flow import Span
from tui.render.stack import Stack
from tui.terminal.sanitise import Glyphs
from tui.widgets.card_kinds import kinds
from tui.widgets.following import FollowingView

FOLLOW_S = 0.25
"""Seconds between updates of the details of a text that is being written."""


class Transcript(FollowingView, can_focus=True):
    """A scrolling list of cards, with a cursor on a card and on one of its tokens."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("transcript")]

    chosen: reactive[str | None] = reactive(None)
    """The id of the chosen card."""
    ref: reactive[Ref | None] = reactive(None)
    """The place under the cursor."""

    class Moved(Message):
        """The cursor went to another card or token, or what it is on changed."""

    class Wanted(Message):
        """A key asks the pane to do something with the chosen card."""

        def __init__(self, action: CardAction, number: int) -> None:
            super().__init__()
            self.action = action
            self.number = number
            """Which one, or how many further, where the action needs that."""

    def __init__(self, glyphs: Glyphs, *, jump: bool = False) -> None:
        super().__init__(jump=jump)
        self._glyphs = glyphs
        self.trees = Trees()
        """All cards. Of each tree of forks, the block of the one that is shown is drawn."""
        self._stack = Stack(glyphs)
        self._details_shown = 0.0
        """When the details of a text that is being written were last updated."""

    # ------------------------------------------------------------------ what it holds

    @property
    def cards(self) -> list[Card]:
        """The cards shown, oldest first."""
        return self._stack.cards

    @property
    def look(self) -> Look:
        """How the texts are looked at."""
        return self._stack.look

    @property
    def card(self) -> Card | None:
        """The chosen card, else the newest."""
        shown = self.chosen or next(reversed(self._stack.ids), None)
        block = None if shown is None else self._stack.get(shown)
        return None if block is None else block.card

    def show(self, cards: list[Card]) -> None:
        """Replace everything by these cards."""
        self.trees = Trees(cards)
        self._stack.clear()
        self.chosen = self.ref = None
        self._take_in()
        self.to_end()
        self.post_message(self.Moved())

    def greet(self, empty: str) -> None:
        """Show this where there are no cards."""
        if empty != self._stack.empty:
            self._stack.empty = empty
            self._rebuild()

    def add(self, card: Card) -> None:
        """Add a new card and go there: the reader has just asked for it.

        A fork takes the place of the text that it comes from, and the cursor goes to where
        they part.
        """
        self.trees.add(card)
        self.chosen = self.ref = None
        self._take_in()
        if isinstance(card, ContinueCard) and card.origin is not None:
            self.chosen, self.ref = card.id, BranchToken(0, card.shared)
        else:
            self.to_end()
        self.post_message(self.Moved())

    def turn_to(self, card: ContinueCard) -> None:
        """Show this card of its tree, and go to it."""
        self.trees.show(card)
        self.chosen = self.ref = None
        self._take_in()
        self.choose(card.id)

    def go_to(self, card: Card) -> None:
        """Take the focus and show a card, whichever of its tree is shown now."""
        if isinstance(card, ContinueCard):
            self.turn_to(card)
        else:
            self.choose(card.id)
        self.focus()

    def restore(self, cards: list[Card]) -> None:
        """Put cards back where they were, and choose the first of them."""
        self.trees.restore(cards)
        first = cards[0]
        if isinstance(first, ContinueCard):
            self.turn_to(first)
        else:
            self.chosen = self.ref = None
            self._take_in()
            self.choose(first.id)

    def remove_card(self, card: Card) -> list[Card]:
        """Remove a card with all that was forked from it; return them, oldest first."""
        parent = self.trees.parent(card)
        shown = self._stack.ids
        index = shown.index(card.id) if card.id in shown else 0
        gone = self.trees.remove(card)
        self.chosen = self.ref = None
        self._take_in()
        if (
            parent is not None
            and self._stack.get(parent.id) is None
            and isinstance(parent, ContinueCard)
        ):
            self.trees.show(parent)
            self._take_in()
        ids = self._stack.ids
        self.chosen = ids[min(index, len(ids) - 1)] if ids else None
        return gone

    def _take_in(self) -> None:
        """Lay out what is now to be seen; what was laid out already is kept."""
        self._stack.show(self.trees.shown, self._room)
        self._rebuild()

    def action_heat(self) -> None:
        """Colour all texts by the next measure, or stop colouring them."""
        wheel: list[Heat | None] = [None, *HEATS]
        heat = wheel[(wheel.index(self.look.heat) + 1) % len(wheel)]
        self._look(replace(self.look, heat=heat))

    def action_word_ends(self) -> None:
        """Count how likely a word ends to that word, or to the next one again."""
        self._look(replace(self.look, corrected=not self.look.corrected))

    def reword(self) -> None:
        """Write all cards anew in another language."""
        self._look(self.look)

    def _look(self, look: Look) -> None:
        self._stack.restyle(look, self._room)
        self._rebuild()
        self.refresh()

    def update_card(self, card_id: str, note: str, speed: float | None) -> None:
        """Draw what a card has gained. Call it at most some 20 times a second."""
        changed = self._stack.get(card_id)
        if changed is None:
            return
        changed.note, changed.speed = note, speed
        changed.update()
        self._rebuild()
        if changed.card is not self.card:
            return
        if changed.card.status != "running":
            self.refresh_bindings()  # its answer may have what some of them need
        # Nobody reads details that change with every token; on a slow line they follow only once
        # the text is complete.
        now = time.monotonic()
        if changed.card.status != "running" or (
            not self._jump and now - self._details_shown > FOLLOW_S
        ):
            self._details_shown = now
            self.post_message(self.Moved())

    # ----------------------------------------------------------------------- drawing

    @property
    def _room(self) -> int:
        return max(8, self.size.width - 1)

    def on_resize(self, event: Resize) -> None:
        """Lay everything out for the new width, keeping the reader at the end if they are there."""
        follows = self._follows
        self._stack.resize(self._room)
        self._rebuild()
        if follows:
            self.to_end()

    def _rebuild(self) -> None:
        """Put the cards' lines together."""
        self.put(self._stack.lines(self._room))

    def spans(self, row: int) -> tuple[Span, ...]:
        """Draw the chosen card's mark in its first column, and its token reversed."""
        line = self._lines[row].spans
        top, height = self._stack.extent(self.chosen)
        if not (top <= row < top + height) or not line:
            return line
        first, *rest = line
        marked = [Span(self._glyphs.gutter, "chosen"), Span(first.text[1:], first.style, first.ref)]
        return tuple(self._shaded(span) for span in (*marked, *rest))

    def _shaded(self, span: Span) -> Span:
        """A span of the chosen card: the token under the cursor, others by their heat."""
        card, ref = self.card, span.ref
        if ref is None:
            return span
        if ref == self.ref:
            return Span(span.text, "cursor", ref)
        if span.style or not isinstance(card, ContinueCard) or not isinstance(ref, BranchToken):
            return span
        token = card.branches[ref.branch].tokens[ref.index]
        return Span(span.text, shade(token, self.look.heat or "surprisal"), ref)

    # ------------------------------------------------------------------------ asking

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Leave out what the chosen card does not have."""
        found = ON_CARDS.get((action, parameters))
        return found is None or found.works_on(kinds(self.card))

    def action_want(self, action: CardAction, number: int = 0) -> None:
        """Ask the pane to do something with the chosen card."""
        self.post_message(self.Wanted(action, number))

    # ------------------------------------------------------------------------ moving

    def watch_chosen(self) -> None:
        """Post the cursor's place for the inspector, and update the keys."""
        self.refresh()
        self.refresh_bindings()
        self.post_message(self.Moved())

    def watch_ref(self) -> None:
        """Post the cursor's place for the inspector."""
        self.refresh()
        self.post_message(self.Moved())

    def allow_focus(self) -> bool:
        """Be passed over while there are no cards: its keys would do nothing."""
        return bool(self.cards)

    def enter(self) -> None:
        """Take the focus and go to the newest card."""
        self.focus()
        if self.chosen is None:
            self._choose(len(self._stack.ids) - 1)

    def on_click(self, event: Click) -> None:
        """Choose the card and the token under the pointer, and scroll nothing away from it."""
        found = self._stack.at(event.y + self.scroll_offset.y, event.x)
        if found is not None:
            self.chosen, self.ref = found

    def choose(self, card_id: str) -> None:
        """Move the cursor to a card."""
        self._choose(self._stack.ids.index(card_id))

    def leave(self) -> None:
        """Have no chosen card."""
        self.chosen = self.ref = None

    def _index(self) -> int:
        ids = self._stack.ids
        return len(ids) if self.chosen is None else ids.index(self.chosen)

    def _choose(self, index: int) -> None:
        ids = self._stack.ids
        if ids:
            self.ref = None
            self.chosen = ids[max(0, min(index, len(ids) - 1))]
            top, height = self._stack.extent(self.chosen)
            self._reveal(top, height)

    def _reveal(self, top: int, height: int) -> None:
        """Scroll so that these rows are seen, their first one above all."""
        region = Region(0, top, 1, min(height, self.size.height))
        self.scroll_to_region(region, animate=False, force=True, immediate=True)

    def action_card_previous(self) -> None:
        """Choose the card above; within a card taller than the window, scroll up first."""
        top, _ = self._stack.extent(self.chosen)
        if self.chosen is not None and top < self.scroll_offset.y:
            self.scroll_relative(y=-max(1, self.size.height // 2), animate=False, immediate=True)
        else:
            self._choose(self._index() - 1)

    def action_card_next(self) -> None:
        """Choose the card below; within a card taller than the window, scroll down first."""
        top, height = self._stack.extent(self.chosen)
        if self.chosen is not None and top + height > self.scroll_offset.y + self.size.height:
            self.scroll_relative(y=max(1, self.size.height // 2), animate=False, immediate=True)
        else:
            self._choose(self._index() + 1)

    def action_card_first(self) -> None:
        """Choose the oldest card."""
        self._choose(0)

    def action_card_last(self) -> None:
        """Choose the newest card and follow its text."""
        self._choose(len(self._stack.ids) - 1)
        self.to_end()

    def action_token_previous(self) -> None:
        """Go to the token before."""
        self._step(-1)

    def action_token_next(self) -> None:
        """Go to the token after."""
        self._step(1)

    def action_leap(self, leap: Leap, by: int) -> None:
        """Go to the next word, sentence or surprise (`by` 1), or back (-1)."""
        card = self.card
        if self.chosen is None or not isinstance(card, ContinueCard) or not card.branches:
            return
        at = self.ref if isinstance(self.ref, BranchToken) else BranchToken(0, -1)
        found = stops(card.branches[at.branch].tokens, leap)
        after, before = [n for n in found if n > at.index], [n for n in found if n < at.index]
        beyond = after if by > 0 else before[::-1]
        if beyond:
            self.go(BranchToken(at.branch, beyond[0]))

    def _step(self, by: int) -> None:
        block = None if self.chosen is None else self._stack.get(self.chosen)
        refs = [] if block is None else block.refs
        if not refs:
            return
        if self.ref not in refs:
            at = 0 if by > 0 else len(refs) - 1
        else:
            at = max(0, min(refs.index(self.ref) + by, len(refs) - 1))
        self.go(refs[at])

    def go(self, ref: Ref) -> None:
        """Move the cursor to a token of the chosen card, and scroll to it."""
        if self.chosen is None:
            return
        self.ref = ref
        row = self._stack.row_of(self.chosen, ref)
        if row is not None:
            self._reveal(row, 1)
