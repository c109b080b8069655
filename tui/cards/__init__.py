"""What a transcript shows: one card for each thing asked, with its answer as it came.

Cards are plain data. They hold the raw text of models; `tui.terminal.sanitise` makes it safe to
draw. A card is built from a request, takes the events of its answer one by one (`fold`), and is
stored and exported as it is, so that a partial answer survives whatever happens to the process.

    base.py      what every card has
    texts.py     Continue: a text, its branches and forks
    filling.py   Fill: words for masks
    judging.py   Fill: texts judged token by token, and minimal pairs
    scoring.py   Score: two sentences
    tracked.py   words at each token of a text
    refs.py      the places of the cursor in each of them
    figures.py   what each witness to two sentences says, as figures
    document.py  Score: a text as sentences
    drafts.py    what is in a composer before it is sent
    forks.py     the texts of a pane as trees
    replay.py    whether a continuation, run again, is the same text
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from engine.messages import Request
from tui.cards.base import PANES, Pane, Status
from tui.cards.document import DocumentCard
from tui.cards.filling import FillCard
from tui.cards.judging import Measured, Pair, PairCard, PllCard, total
from tui.cards.scoring import ScoreCard
from tui.cards.texts import Branch, ContinueCard

__all__ = [
    "PANES",
    "Branch",
    "Card",
    "ContinueCard",
    "DocumentCard",
    "FillCard",
    "Measured",
    "Pair",
    "PairCard",
    "Pane",
    "PllCard",
    "ScoreCard",
    "Status",
    "asked",
    "copy_request",
    "questions",
    "total",
]

Card = ContinueCard | FillCard | ScoreCard | DocumentCard | PllCard | PairCard


def asked(card: Card) -> str:
    """The model that answers next."""
    if isinstance(card, PairCard):
        waiting = (part.request.model for part in card.parts if part.status == "running")
        return next(waiting, card.request.model)
    return card.request.model


def questions(card: Card) -> Iterator[Request]:
    """What is to be asked for a card, each after the answer to the one before."""
    if not isinstance(card, PairCard):
        yield card.request
        return
    for part in card.parts:
        if part.status == "running":
            yield part.request


def copy_request(card: Card) -> Card:
    """A new card that asks what another asked."""
    match card:
        case ContinueCard():
            prompt = "" if card.read else card.prompt
            again = ContinueCard(request=card.request, prompt=prompt, origin=card.origin)
            if card.origin is not None:
                shared = card.branches[0].tokens[: card.shared]
                again.branches.append(Branch(tokens=shared))
            return again
        case FillCard():
            return FillCard(request=card.request)
        case ScoreCard():
            return ScoreCard(request=card.request)
        case DocumentCard():
            return DocumentCard(request=card.request)
        case PllCard():
            return PllCard(request=card.request)
        case PairCard():
            return PairCard.of(card.request)
        case never:
            assert_never(never)
