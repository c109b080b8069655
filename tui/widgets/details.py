"""What the inspector says of one token of a card."""

from __future__ import annotations

import math

from engine.messages import FillResult, MaskFill, NspResult, Piece, PmiResult, Token
from tui.cards import Card, ContinueCard
from tui.display import Glyphs, clean
from tui.display import token as shown
from tui.strings import text
from tui.widgets import bars
from tui.widgets.flow import Line, Ref, Span, wrap

_LABEL = 13
"""Cells of the column of names."""


def details(card: Card, ref: Ref | None, width: int, glyphs: Glyphs) -> list[Line]:
    """The lines about a token; without one chosen, about the newest."""
    if isinstance(card, ContinueCard):
        written = [branch for branch in card.branches if branch.tokens]
        if not written:
            return []
        if ref is None:
            return _written(card, 0, len(card.branches[0].tokens) - 1, width, glyphs)
        return _written(card, *ref, width, glyphs)
    index = None if ref is None else ref[1]
    match card.result:
        case FillResult() as result:
            if index is None:
                index = result.masks[0].position if result.masks else 0
            masks = {mask.position: mask for mask in result.masks}
            lines = _piece(result.tokens, index, width, glyphs)
            return lines + (_mask(masks[index], width, glyphs) if index in masks else [])
        case NspResult() as result:
            piece = _piece(result.tokens, index or 0, width, glyphs)
            return [*piece, _fact("attention", str(result.attention_mask[index or 0]))]
        case PmiResult() as result:
            return _scored(result, index or 0, width, glyphs)
        case None:
            return []


def _written(card: ContinueCard, branch: int, index: int, width: int, glyphs: Glyphs) -> list[Line]:
    """A token that a model wrote."""
    tokens = card.branches[branch].tokens
    if not 0 <= index < len(tokens):
        return []
    token = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    if len(card.branches) > 1:
        place += glyphs.dot + text("inspector.branch", n=branch + 1)
    lines = [
        *_title(shown(token.text, token.id, glyphs), place, width),
        _fact("id", str(token.id)),
        _fact("probability", bars.percent(math.exp(token.logprob)).strip()),
        _fact("rank", str(token.rank)),
        _fact("surprisal", text("inspector.bits", n=f"{bars.bits(-token.logprob):.2f}")),
        _fact("entropy", text("inspector.bits", n=f"{bars.bits(token.entropy):.2f}")),
    ]
    if not card.request.sampling.greedy:
        drawn = bars.percent(math.exp(token.sampled_logprob)).strip()
        lines.append(_fact("sampled", drawn))
    return lines + _alternatives(token, width, glyphs)


def _alternatives(token: Token, width: int, glyphs: Glyphs) -> list[Line]:
    """What else could have stood there; the one that does is marked."""
    if not token.top:
        return []
    column = bars.column([other.text for other in token.top], max(6, width // 3), glyphs)
    lines = [Line(), Line((Span(" " + text("inspector.alternatives"), "label"),))]
    for rank, other in enumerate(token.top, 1):
        name = bars.label(other.text, other.id, column, glyphs)
        style = "chip" if other.id == token.id else ""
        probability = math.exp(other.logprob)
        lines.append(bars.row(str(rank), name, probability, width, glyphs, indent=0, style=style))
    return lines


def _mask(mask: MaskFill, width: int, glyphs: Glyphs) -> list[Line]:
    """All candidates for one mask."""
    column = bars.column([c.text for c in mask.candidates], max(6, width // 3), glyphs)
    lines = [Line(), Line((Span(" " + text("inspector.candidates"), "label"),))]
    for rank, candidate in enumerate(mask.candidates, 1):
        name = bars.label(candidate.text, candidate.id, column, glyphs)
        known = mask.hidden is not None and mask.hidden.word == candidate.text
        style = "chip" if known else ""
        lines.append(
            bars.row(str(rank), name, candidate.prob, width, glyphs, indent=0, style=style)
        )
    if mask.hidden is not None and mask.hidden.prob is not None:
        lines += [
            Line(),
            Line((Span(" " + text("inspector.hidden"), "label"),)),
            _fact("word", clean(mask.hidden.word)),
            _fact("probability", bars.percent(mask.hidden.prob).strip()),
            _fact("rank", str(mask.hidden.rank)),
        ]
    return lines


def _piece(tokens: list[Piece], index: int, width: int, glyphs: Glyphs) -> list[Line]:
    """A token of an input."""
    piece = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    lines = [
        *_title(clean(piece.piece), place, width),
        _fact("id", str(piece.id)),
        _fact("reads", shown(piece.text, piece.id, glyphs)),
        _fact("segment", str(piece.segment)),
    ]
    if piece.special:
        lines.append(Line((Span(" " + text("inspector.a_special"), "facts"),)))
    if piece.start is not None and piece.end is not None:
        lines.append(_fact("offset", f"{piece.start}-{piece.end}"))
    return lines


def _scored(result: PmiResult, index: int, width: int, glyphs: Glyphs) -> list[Line]:
    """A token of B, with and without A before it."""
    token = result.tokens[index]
    place = text("inspector.place", n=index + 1, of=len(result.tokens))
    lines = [*_title(shown(token.text, token.id, glyphs), place, width), _fact("id", str(token.id))]
    for key, nats in (("after_a", token.conditional), ("alone", token.alone)):
        told = text("inspector.unscored")
        if nats is not None:
            told = text("inspector.bits", n=f"{bars.bits(-nats):.2f}")
            told += f" {bars.percent(math.exp(nats)).strip()}"
        lines.append(_fact(key, told))
    if token.conditional is not None and token.alone is not None:
        gain = bars.bits(token.conditional - token.alone)
        lines.append(_fact("gain", text("inspector.bits", n=f"{gain:+.2f}")))
    return lines


def _title(name: str, place: str, width: int) -> list[Line]:
    """The token itself, and where it stands."""
    return [*wrap([Span(name, "prompt")], width, " "), Line((Span(f" {place}", "facts"),)), Line()]


def _fact(key: str, value: str) -> Line:
    """One line: a name, and what it is."""
    return Line((Span(f" {text(f'inspector.{key}'):<{_LABEL}}", "facts"), Span(value)), indent=1)
