"""The cards of a transcript, one below the other: rows, tokens, and what is kept."""

from __future__ import annotations

from tests.support.sample_cards import filled, finished
from tui.cards.refs import BranchToken
from tui.render.blocks import Look
from tui.render.stack import Stack
from tui.terminal.sanitise import UNICODE


def test_every_token_is_found_again_in_its_row() -> None:
    text, fill = finished("ab"), filled()
    stack = Stack(UNICODE)
    stack.show([text, fill], 40)
    top, height = stack.extent(fill.id)
    assert top == stack.extent(text.id)[1] + 1
    assert len(stack.lines(40)) == top + height + 1
    for row, line in enumerate(stack.lines(40)):
        column = 0
        for span in line.spans:
            if span.text.isascii() and span.text:
                assert stack.at(row, column) == (text.id if row < top else fill.id, span.ref)
                column += len(span.text)
            else:
                break
    found = stack.row_of(text.id, BranchToken(0, 0))
    assert found is not None
    assert any(span.ref == BranchToken(0, 0) for span in stack.lines(40)[found].spans)
    assert stack.at(1000, 0) is None


def test_what_was_laid_out_is_kept_until_the_look_changes() -> None:
    text = finished("ab")
    stack = Stack(UNICODE)
    stack.show([text], 40)
    before = stack.get(text.id)
    assert before is not None
    before.note = "waits"
    stack.show([text, filled()], 40)
    assert stack.get(text.id) is before
    stack.restyle(Look(heat="entropy"), 40)
    after = stack.get(text.id)
    assert after is not before
    assert after is not None
    assert (after.note, stack.look.heat) == ("waits", "entropy")


def test_without_cards_the_words_for_none_are_shown() -> None:
    stack = Stack(UNICODE)
    stack.empty = "nothing here"
    stack.show([finished("ab")], 40)
    stack.show([], 40)
    assert ["".join(span.text for span in line.spans) for line in stack.lines(40)] == [
        "  nothing here"
    ]
    assert stack.extent("gone") == (0, 0)
