"""What the screen for the inside of a model looks at: the chosen card, or the draft."""

from __future__ import annotations

from typing import assert_never

from engine.messages import MASK
from tui.cards import (
    Card,
    ContinueCard,
    DocumentCard,
    FillCard,
    PairCard,
    PllCard,
    ScoreCard,
)
from tui.cards.refs import BranchToken
from tui.panes.host import PaneHost
from tui.screens.inside import Looked


def looked(pane: PaneHost, card: Card | None) -> Looked | None:
    """What is to be looked at: a card's text as it was fed, else what is written; None without."""
    if card is not None:
        return _of_card(pane, card)
    draft = pane.edited()
    return _written(pane, draft.model, draft.text, draft.second if pane.role == "score" else "")


def _of_card(pane: PaneHost, card: Card) -> Looked | None:
    model = card.request.model
    match card:
        case ContinueCard():
            return _continued(pane, card)
        case FillCard() | PllCard():
            return _written(pane, model, card.request.text)
        case ScoreCard():
            return _written(pane, model, card.request.a, card.request.b)
        case PairCard():
            return _written(pane, model, card.request.a)
        case DocumentCard():
            first, *rest = [sentence.text for sentence in card.sentences] or [""]
            return _written(pane, model, first, rest[0] if rest else "")
        case never:
            assert_never(never)


def _continued(pane: PaneHost, card: ContinueCard) -> Looked | None:
    """The ids up to the token under the cursor, which is what they predict; else all of them."""
    place = pane.transcript.ref
    if not card.branches or not card.prompt_tokens:
        return _written(pane, card.request.model, card.wrote)
    whole = BranchToken(0, len(card.branches[0].tokens))
    at = place if isinstance(place, BranchToken) else whole
    ids = card.path(at.branch, at.index)
    tokens = card.branches[at.branch].tokens
    shared = "".join(token.text for token in tokens[: card.shared])  # of a fork, it was fed too
    prompt = card.fed.removesuffix(shared) or card.prompt
    written = prompt + "".join(token.text for token in tokens[: at.index])
    return Looked(card.request.model, ids, None, written) if ids else None


def _written(pane: PaneHost, model: str, text: str, second: str = "") -> Looked | None:
    """A text as it is written; a causal model is shown what comes before the first mask."""
    info = pane.shared.link.models.get(model)
    if info is not None and "causal" in info.heads:
        text = text.partition(MASK)[0].rstrip() or text
    return Looked(model, text, second or None, text) if text.strip() else None
