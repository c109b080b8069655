"""What the keys on a card ask for, and which cards have it."""

from __future__ import annotations

from typing import Final, Literal

from tui.cards import Card, ContinueCard, DocumentCard, FillCard, PllCard, ScoreCard

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
"""What the keys on a card ask of the pane."""

_ON_TEXTS = (
    "leap",
    "word_ends",
    "swap",
    "step",
    "tree",
    "path",
    "samplers",
    "replay",
    "likeliest",
)
_KINDS: Final[dict[str, tuple[type[Card], ...]]] = {
    **dict.fromkeys(_ON_TEXTS, (ContinueCard,)),
    "swap_nth": (ContinueCard, FillCard),
    "heat": (ContinueCard, PllCard),
    "other_model": (ContinueCard, ScoreCard),
    "shuffles": (ScoreCard,),
    "open_document": (DocumentCard,),
    "ask_words": (FillCard,),
}
"""What only some kinds of card have, by the name of the wish or of the transcript's action."""

_WITHOUT: Final[tuple[Wish, ...]] = ("composer", "undo", "details")
"""What can be asked for without a card."""


def has(card: Card | None, wish: str) -> bool:
    """Whether a card has what a key asks for; without a card, whether that needs none."""
    if card is None:
        return wish in _WITHOUT
    match wish:
        case "continue_from_end":  # a chat goes on by the next turn
            return isinstance(card, ContinueCard) and card.request.chat is None
        case "pair_table":
            return isinstance(card, FillCard) and bool(card.result and card.result.table)
        case _:
            return wish not in _KINDS or isinstance(card, _KINDS[wish])
