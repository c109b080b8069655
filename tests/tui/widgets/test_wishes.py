"""Which keys a card has."""

from __future__ import annotations

import pytest

from engine.messages import Continue, Document, Fill, Score
from tui.cards import Card, ContinueCard, DocumentCard, FillCard, Pane, ScoreCard
from tui.widgets.wishes import fits

TEXT = ContinueCard(request=Continue(model="m", prompt="p"), prompt="p")
FILL = FillCard(request=Fill(model="m", text="a [MASK]"))
PAIR = ScoreCard(request=Score(model="m", a="a", b="b"))
DOCUMENT = DocumentCard(request=Document(model="m", text="a. b."))


@pytest.mark.parametrize(
    ("card", "role", "has", "lacks"),
    [
        (TEXT, "continue", "rerun swap other_model heat", "ask_words open_document"),
        (FILL, "fill", "rerun swap_nth ask_words heat", "swap shuffles open_document"),
        (PAIR, "score", "rerun shuffles other_model", "swap ask_words heat open_document"),
        (DOCUMENT, "score", "rerun open_document", "swap shuffles other_model heat"),
        (None, "fill", "undo ask_words", "tree shuffles"),
    ],
)
def test_a_card_has_the_keys_of_its_kind(
    card: Card | None, role: Pane, has: str, lacks: str
) -> None:
    assert all(fits(wish, card, role) for wish in has.split())
    assert not any(fits(wish, card, role) for wish in lacks.split())
