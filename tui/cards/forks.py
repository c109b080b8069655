"""The texts of a pane as trees: a text and its forks share one place, which shows one of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tui.cards import Card, ContinueCard


@dataclass(frozen=True)
class Node:
    """A text in its tree."""

    card: Card
    depth: int
    """How many forks lie between it and the first text."""
    forks: int
    """How many texts were forked from it, directly."""


class Trees:
    """The cards of a pane, oldest first."""

    def __init__(self, cards: Iterable[Card] = ()) -> None:
        self._cards: dict[str, Card] = {card.id: card for card in cards}

    def get(self, card_id: str | None) -> Card | None:
        """The card of this id, if it is here."""
        return self._cards.get(card_id or "")

    @property
    def cards(self) -> list[Card]:
        """Every card of the pane, shown or behind another, oldest first."""
        return list(self._cards.values())

    @property
    def shown(self) -> list[Card]:
        """The card shown of each tree: the one that was looked at last."""
        latest: dict[str, Card] = {}
        for card in self._cards.values():
            root = self.root(card).id
            if root not in latest or _seen(card) >= _seen(latest[root]):
                latest[root] = card
        return list(latest.values())

    def add(self, card: Card) -> None:
        """Add a new card."""
        self._cards[card.id] = card

    def restore(self, cards: list[Card]) -> None:
        """Add cards again, each at its age."""
        both = [*self._cards.values(), *cards]
        self._cards = {card.id: card for card in sorted(both, key=lambda card: card.created)}

    def remove(self, card: Card) -> list[Card]:
        """Remove a card with all that was forked from it, and return them, oldest first."""
        doomed = {node.card.id for node in self.below(card)}
        gone = [each for each in self._cards.values() if each.id in doomed]
        self._cards = {key: each for key, each in self._cards.items() if key not in doomed}
        return gone

    def show(self, card: ContinueCard) -> None:
        """Make a card the one of its tree that is shown."""
        card.seen = time.time()

    def parent(self, card: Card) -> Card | None:
        """What a card was forked from."""
        origin = card.origin if isinstance(card, ContinueCard) else None
        return None if origin is None else self._cards.get(origin.card)

    def root(self, card: Card) -> Card:
        """The first text of a card's tree."""
        while (parent := self.parent(card)) is not None:
            card = parent
        return card

    def forks(self, card: Card) -> list[Card]:
        """What was forked from a card, oldest first."""
        return [each for each in self._cards.values() if self.parent(each) is card]

    def below(self, card: Card, depth: int = 0) -> Iterator[Node]:
        """A card and all that was forked from it, each right under what it comes from."""
        forks = self.forks(card)
        yield Node(card, depth, len(forks))
        for fork in forks:
            yield from self.below(fork, depth + 1)


def _seen(card: Card) -> float:
    seen = card.seen if isinstance(card, ContinueCard) else 0.0
    return max(seen, card.created)
