"""Tokens of an input side by side, to be walked through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.messages import Piece
from tui.cards.refs import Ref
from tui.render.flow import Line, Span, wrap
from tui.terminal.sanitise import clean


def token_lines(
    tokens: Sequence[Piece], width: int, indent: str, ref: Callable[[int], Ref]
) -> list[Line]:
    """The tokens as fed, the second segment in a style of its own; `ref` gives each its place."""
    spans = [
        Span(clean(piece.piece), "second" if piece.segment else "facts", ref(index))
        for index, piece in enumerate(tokens)
    ]
    spaced = [each for span in spans for each in (span, Span(" "))][:-1]
    return wrap(spaced, width, indent)
