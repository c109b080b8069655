"""What the keys on a card ask of the pane, and which cards have it."""

from __future__ import annotations

from typing import Final, Literal

from tui.cards import Card, DocumentCard, Pane, ScoreCard

Wish = Literal[
    "composer",
    "rerun",
    "edit",
    "continue_from_end",
    "copy",
    "save",
    "delete",
    "undo",
    "swap_nth",
    "swap",
    "step",
    "tree",
    "path",
    "samplers",
    "other_model",
    "replay",
    "open_document",
    "ask_words",
    "pair_table",
    "likeliest",
    "details",
    "shuffles",
]

_ON_FILLS: Final = {"ask_words", "pair_table"}
"""Those that only a text with masks has."""
_ON_PAIRS: Final = {"shuffles", "other_model"}
"""Those that a pair of sentences has."""
_ON_TEXTS: Final = {
    "leap",
    "word_ends",
    "swap",
    "step",
    "tree",
    "path",
    "samplers",
    "other_model",
    "replay",
    "likeliest",
    "continue_from_end",
}
"""Those that only a text has, which a model wrote or read."""


def fits(wish: object, card: Card | None, role: Pane) -> bool:
    """Whether a wish, or another action of the cards, is there for this card of a pane."""
    if wish == "open_document":
        return isinstance(card, DocumentCard)
    if wish in _ON_PAIRS and isinstance(card, ScoreCard):
        return True
    if wish in _ON_FILLS:
        return role == "fill"
    if wish == "heat":
        return role in ("continue", "fill")
    return role == "continue" or wish not in _ON_TEXTS | _ON_PAIRS
