"""Which kinds a card is of, for the actions that work on some cards only."""

from __future__ import annotations

from typing import assert_never

from tui.cards import Card, ContinueCard, DocumentCard, FillCard, PairCard, PllCard, ScoreCard
from tui.keys.actions import CardKind


def kinds(card: Card | None) -> tuple[CardKind, ...]:
    """The kinds of a card, by what it is and what it holds; none without a card."""
    match card:
        case ContinueCard():  # a chat goes on by the next turn
            return ("text",) if card.request.chat is not None else ("text", "open_end")
        case FillCard():
            table = card.result is not None and card.result.table is not None
            return ("fill", "table") if table else ("fill",)
        case PllCard():
            return ("judged",)
        case PairCard():
            return ("pair",)
        case ScoreCard():
            return ("score",)
        case DocumentCard():
            return ("document",)
        case None:
            return ()
        case never:
            assert_never(never)
