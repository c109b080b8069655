"""All forks of a text, each with the probability of what it goes on with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Input, Static

from tui.analysis.heat import bits
from tui.analysis.ranking import ranks
from tui.cards import ContinueCard
from tui.cards.forks import Node, Trees
from tui.connection.services import Services
from tui.export.markdown import Format, save_cards
from tui.history.records import fold
from tui.keys.actions import bindings
from tui.screens.base import MessageScreen, Table
from tui.screens.compare import CompareScreen
from tui.screens.dialogs import Ask
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.terminal.units import chance


@dataclass(frozen=True)
class Edits:
    """What can be done with the cards of a tree."""

    changed: Callable[[ContinueCard], None]
    """Has a card saved and drawn among the others."""
    delete: Callable[[ContinueCard], None]
    """Takes a card away with all that was forked from it."""
    undo: Callable[[], None]
    """Brings back what was deleted last."""


class TreeScreen(MessageScreen[str]):
    """Ends with the id of the card to show."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("tree")]

    def __init__(self, shared: Services, trees: Trees, card: ContinueCard, edits: Edits) -> None:
        super().__init__(shared, text("screens.tree.title"))
        self._edits = edits
        self._trees = trees
        self._root = self._trees.root(card).id
        self._begin = card.id
        self._marked: str | None = None
        """The path that is to be compared with another."""
        self._table = Table(
            (" ", 2),
            (text("screens.tree.rank"), 4),
            (text("screens.tree.probability"), 9),
            (text("screens.tree.whole"), 9),
            (text("screens.tree.surprisal"), 10),
            (text("screens.tree.tokens"), 6),
            (text("screens.tree.path"), 200),
            cut=self.cut,
        )

        self._search = Input(
            placeholder=text("screens.tree.search"), classes="search", compact=True
        )
        self._preview = Static(classes="preview", markup=False)
        """The whole text of the chosen path."""

    def body(self) -> Iterator[Widget]:
        """The search field, the list, and the chosen path below it."""
        yield self._search
        yield self._table
        with VerticalScroll(classes="details", can_focus=False):
            yield self._preview

    def on_mount(self) -> None:
        """Go to the path that was shown, and follow those that are still being written."""
        self._search.display = False
        self._table.focus()
        self._fill()
        self.set_interval(0.25, self._fill)
        self._table.go(self._begin)

    # ------------------------------------------------------------------------ showing

    def _show_path(self) -> None:
        """Show the chosen path: what it shares with its origin dimmed, then its own text."""
        card = self._chosen()
        shown = Text()
        if card is not None:
            tokens = card.branches[0].tokens if card.branches else []
            before = card.prompt + "".join(token.text for token in tokens[: card.shared])
            own = [token.text for token in tokens[card.shared :]]
            shown.append(clean(before), "dim").append(clean("".join(own)))
        self._preview.update(shown)

    @on(Table.RowHighlighted)
    def _moved(self) -> None:
        self._show_path()

    @on(Input.Changed)
    def _searched(self) -> None:
        self._fill()

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self._table.focus()

    def _seen(self, *, everything: bool = False) -> Iterator[tuple[Node, ContinueCard]]:
        """The nodes to show: unless it is `everything`, none below one that is folded."""
        root = self._trees.get(self._root)
        hidden: int | None = None
        for node in () if root is None else self._trees.below(root):
            if not everything and hidden is not None and node.depth > hidden:
                continue
            hidden = None
            if isinstance(node.card, ContinueCard):
                yield node, node.card
                hidden = node.depth if node.card.folded else None

    def _fill(self) -> None:
        if self._trees.get(self._root) is None:
            self.dismiss(None)
            return
        needle = fold(self._search.value)
        cards = [each for each in self._trees.cards if isinstance(each, ContinueCard)]
        ranked = ranks({card.id: card.won for card in cards if card.won})
        rows = {
            card.id: self._row(node, card, str(ranked.get(card.id, "")))
            for node, card in self._seen(everything=bool(needle))
            if needle in fold(f"{card.name}\n{card.prompt}{card.answer}")
        }
        self._table.show(rows)
        self._show_path()
        self.heading(text("screens.tree.count", n=len(rows)))

    def _row(self, node: Node, card: ContinueCard, rank: str) -> tuple[str, ...]:
        glyphs = self.shared.glyphs
        own = card.branches[0].tokens[card.shared :] if card.branches else []
        mark = (glyphs.bookmark if card.bookmarked else "") + (
            glyphs.on if card.id == self._marked else ""
        )
        # Of the first text, the probability is that of all of it; of a fork, of where it parts.
        taken = chance(own[0].logprob) if own and card.origin is not None else ""
        whole = chance(sum(token.logprob for token in own)) if own else ""
        mean = f"{bits(-sum(t.logprob for t in own) / len(own)):.2f}" if own else ""
        fold = glyphs.folded if card.folded and node.forks else ""
        written = " ".join("".join(token.text for token in own).split())
        name = f"[{card.name}] " if card.name else ""
        indent = glyphs.branch * node.depth
        return mark, rank, taken, whole, mean, str(len(own)), f"{indent}{fold}{name}{written}"

    def _chosen(self) -> ContinueCard | None:
        card = self._trees.get(self._table.chosen)
        return card if isinstance(card, ContinueCard) else None

    def _changed(self, card: ContinueCard) -> None:
        """Save a card and draw it again."""
        self._edits.changed(card)
        self._fill()

    # ------------------------------------------------------------------------ actions

    def action_tree_open(self) -> None:
        """Show the chosen path among the cards."""
        self.dismiss(self._table.chosen)

    def action_close(self) -> None:
        """Leave the search, then the screen."""
        if self._search.display:
            self._search.value = ""
            self._search.display = False
            self._table.focus()
        else:
            self.dismiss(None)

    def action_tree_search(self) -> None:
        self._search.display = True
        self._search.focus()

    def action_tree_save(self) -> None:
        """Save all paths, with their figures."""
        self._save("md")

    def action_tree_save_text(self) -> None:
        """Save the texts of all paths alone."""
        self._save("txt")

    def _save(self, form: Format) -> None:
        root = self._trees.get(self._root)
        if root is not None:
            cards = [node.card for node in self._trees.below(root)]
            self.show_message(save_cards(self.shared.settings.exports(), cards, form))

    def action_tree_fold(self) -> None:
        """Hide the forks of the chosen path, or show them again."""
        card = self._chosen()
        if card is not None:
            card.folded = not card.folded
            self._changed(card)

    def action_tree_bookmark(self) -> None:
        """Mark the chosen path to find it again, or remove the mark."""
        card = self._chosen()
        if card is not None:
            card.bookmarked = not card.bookmarked
            self._changed(card)

    @work
    async def action_tree_rename(self) -> None:
        """Give the chosen path a name."""
        card = self._chosen()
        if card is None:
            return
        name = await self.app.push_screen_wait(Ask(text("screens.tree.rename"), clean(card.name)))
        if name is not None:
            card.name = name.strip()
            self._changed(card)

    def action_tree_prune(self) -> None:
        """Delete the chosen path and its forks."""
        card = self._chosen()
        if card is not None:
            self._edits.delete(card)
            self.show_message(text("screens.tree.pruned"))
            self._fill()

    def action_tree_undo(self) -> None:
        """Bring back what was pruned last."""
        self._edits.undo()
        self.show_message("")
        self._fill()

    def action_tree_compare(self) -> None:
        """Mark a path; on another one, show both side by side."""
        card = self._chosen()
        if card is None:
            return
        other = self._trees.get(self._marked)
        if isinstance(other, ContinueCard) and other is not card:
            self._marked = None
            self.show_message("")
            self.app.push_screen(CompareScreen(self.shared, other, card, self._edits.changed))
        else:
            self._marked = None if other is card else card.id
            self.show_message(text("screens.tree.marked") if self._marked else "")
        self._fill()
