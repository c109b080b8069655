"""Taking another token: a text forks there and goes on, and the old path stays in its tree."""

from __future__ import annotations

from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.keys.actions import CardAction
from tui.panes.host import PaneHost
from tui.screens.tree import Edits
from tui.strings import text


class ForkActions:
    """Forks and steps the texts of one pane."""

    def __init__(self, pane: PaneHost, edits: Edits) -> None:
        """`edits` is what can be done with the cards of a tree."""
        self._pane = pane
        self._edits = edits
        self._by_hand: set[str] = set()
        """The cards that are written one token a key press: a swap in them adds nothing else."""

    def do(self, action: CardAction, number: int, card: ContinueCard) -> None:
        """Do what a key on a card asked for."""
        if not card.branches:
            self._pane.notice(text("notice.no_tokens"), lambda: not card.branches)
            return
        match action:
            case "swap_nth":
                self._swap_nth(card, number)
            case "swap":
                self._choose(card)
            case "step":
                self._step(card)
            case "likeliest":
                self._likeliest(card)
            case "tree":
                self._tree(card)
            case "samplers":
                self._samplers(card)
            case "path":
                self._path(card, number)

    @property
    def _under_cursor(self) -> BranchToken | None:
        ref = self._pane.transcript.ref
        return ref if isinstance(ref, BranchToken) else None

    def _place(self, card: ContinueCard) -> BranchToken:
        """The token to swap: the one under the cursor, else the newest."""
        return self._under_cursor or BranchToken(0, len(card.branches[0].tokens) - 1)

    def _swap_nth(self, card: ContinueCard, number: int) -> None:
        """Take the alternative of this rank in the place under the cursor."""
        place = self._place(card)
        tokens, at = card.branches[place.branch].tokens, place.index
        if not 0 <= at < len(tokens) or number > len(tokens[at].top):
            self._pane.notice(text("notice.no_alternative", n=number))
            return
        self._fork(card, place, [tokens[at].top[number - 1].id])

    def _choose(self, card: ContinueCard) -> None:
        """Choose among the alternatives, or search for any other token."""
        from tui.screens.swap import Swap

        place = self._place(card)
        if not 0 <= place.index < len(card.branches[place.branch].tokens):
            return

        def chosen(ids: list[int] | None) -> None:
            if ids:
                self._fork(card, place, ids)

        self._pane.push_screen(Swap(self._pane.shared, card, place), chosen)

    def _fork(self, card: ContinueCard, place: BranchToken, ids: list[int]) -> None:
        pane = self._pane
        branch, at = place.branch, place.index
        tokens = card.branches[branch].tokens
        if [token.id for token in tokens[at : at + len(ids)]] == ids:
            pane.notice(text("notice.same_token"))
            return
        pane.cards.runs.stop_card(card)
        by_hand = card.id in self._by_hand
        fork = card.fork(branch, at, ids, 0 if by_hand else pane.draft.max_tokens)
        if by_hand:
            self._by_hand.add(fork.id)
        pane.cards.run(fork)

    def _likeliest(self, card: ContinueCard) -> None:
        """Show the likeliest paths from the place of the token under the cursor, else from the
        end; go on from one, or put them all in the tree."""
        from tui.screens.likeliest import Chosen, LikeliestScreen

        pane = self._pane
        place = self._under_cursor or BranchToken(0, len(card.branches[0].tokens))

        def chosen(found: Chosen | None) -> None:
            if found is None:
                return
            if found.go_on:
                self._fork(card, place, found.paths[0])
                return
            tokens = [token.id for token in card.branches[place.branch].tokens[place.index :]]
            for ids in found.paths:
                if tokens[: len(ids)] != ids:
                    pane.cards.run(card.fork(place.branch, place.index, ids, 0))
            self._tree(card)

        pane.push_screen(LikeliestScreen(pane.shared, card, place), chosen)

    def _step(self, card: ContinueCard) -> None:
        """Write one token at the end and put the cursor on it, to show its alternatives."""
        pane = self._pane
        branch = self._place(card).branch
        if card.status == "running":
            pane.notice(text("notice.still_running"), lambda: card.status == "running")
            return
        at = len(card.branches[branch].tokens)
        if card.extensible:
            self._by_hand.add(card.id)
            pane.cards.ask(card, [card.extend(1)])
            pane.transcript.ref = BranchToken(0, at)
        else:
            fork = card.fork(branch, at, [], 1)
            self._by_hand.add(fork.id)
            pane.cards.run(fork)

    def _path(self, card: ContinueCard, by: int) -> None:
        """Show the next path of the tree."""
        trees = self._pane.transcript.trees
        nodes = [node.card for node in trees.below(trees.root(card))]
        if len(nodes) == 1:
            self._pane.notice(text("notice.no_forks"))
            return
        other = nodes[(nodes.index(card) + by) % len(nodes)]
        if isinstance(other, ContinueCard):
            self.turn_to(other)

    def turn_to(self, card: ContinueCard) -> None:
        """Show this path, from where it parted from the others."""
        pane = self._pane
        pane.transcript.turn_to(card)
        if card.shared < len(card.branches[0].tokens):
            pane.transcript.go(BranchToken(0, card.shared))
        pane.post_changed(card)

    def _samplers(self, card: ContinueCard) -> None:
        """Show how the token under the cursor was drawn."""
        from tui.screens.samplers import SamplersScreen

        place = self._place(card)
        if 0 <= place.index < len(card.branches[place.branch].tokens):
            pane = self._pane
            pane.push_screen(SamplersScreen(pane.shared, card, place))

    def _tree(self, card: ContinueCard) -> None:
        from tui.screens.tree import TreeScreen

        def chosen(card_id: str | None) -> None:
            found = self._pane.transcript.trees.get(card_id)
            if isinstance(found, ContinueCard):
                self.turn_to(found)

        pane = self._pane
        screen = TreeScreen(pane.shared, pane.transcript.trees, card, self._edits)
        pane.push_screen(screen, chosen)
