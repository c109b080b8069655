"""What the inspector shows about one token of a card."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import assert_never

from rich.cells import cell_len

from engine.messages import (
    FillResult,
    JointFill,
    JointMethod,
    MaskFill,
    Piece,
    ScoredToken,
)
from tui.analysis.heat import bits, gain
from tui.cards import (
    Card,
    ContinueCard,
    DocumentCard,
    FillCard,
    Measured,
    PairCard,
    PllCard,
    ScoreCard,
    total,
)
from tui.cards.figures import Fed, Gains, judgement
from tui.cards.refs import (
    BranchToken,
    InputToken,
    MethodToken,
    PairPart,
    Ref,
    WitnessToken,
    WordList,
)
from tui.render import bars, columns, fillings, judged, tracked
from tui.render.flow import Line, Span, wrap
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown
from tui.terminal.units import chance, padded

_LABEL = 13
"""Cells of the column of names."""
_FACTS = 32
"""Cells of the facts at least, and of the table, where one is beside the other."""


Parts = tuple[list[Line], list[Line]]
"""The facts, and the table of what else could have come there."""


def details(card: Card, ref: Ref | None, width: int, glyphs: Glyphs) -> list[Line]:
    """The lines about a token; without one chosen, about the newest.

    Where there is room, the table is beside the facts, else below them.
    """
    facts, table = _parts(card, ref, width, glyphs)
    if not table:
        return facts
    room = max([_FACTS, *(cell_len(line.text) + 1 for line in facts)])
    if width < room + _FACTS:
        return [*facts, Line(), *table]
    return columns.beside([facts, _parts(card, ref, width - room, glyphs)[1]], room)


def _parts(card: Card, ref: Ref | None, width: int, glyphs: Glyphs) -> Parts:
    match card:
        case ContinueCard():
            if not any(branch.tokens for branch in card.branches):
                return [], []
            newest = BranchToken(0, len(card.branches[0].tokens) - 1)
            at = ref if isinstance(ref, BranchToken) else newest
            return _written(card, at.branch, at.index, width, glyphs)
        case FillCard():
            return ([], []) if card.result is None else _filled(card.result, ref, width, glyphs)
        case PllCard():
            if not card.results:
                return [], []
            place = ref if isinstance(ref, MethodToken) else MethodToken(0, 0)
            facts, table = _judged(card.results[place.method].tokens, place.index, width, glyphs)
            if card.tracked is not None:
                facts += tracked.figures(card.tracked.words, place.index, _LABEL)
            return facts, table
        case PairCard():
            return _compared(card, ref, width, glyphs)
        case ScoreCard():
            first = WitnessToken(0, False, 0)
            return _of_a_pair(card, ref if isinstance(ref, WitnessToken) else first, glyphs), []
        case DocumentCard():
            return [], []
        case never:
            assert_never(never)


def _filled(result: FillResult, ref: Ref | None, width: int, glyphs: Glyphs) -> Parts:
    """A token of a text with masks, or a list below it."""
    if isinstance(ref, WordList):
        return _list(result, ref, width, glyphs)
    masks = {mask.position: mask for mask in result.masks}
    index = ref.index if isinstance(ref, InputToken) else next(iter(masks), 0)
    table = _mask(masks[index], width, glyphs) if index in masks else []
    return _piece(result.tokens, index, glyphs), table


def _written(card: ContinueCard, branch: int, index: int, width: int, glyphs: Glyphs) -> Parts:
    """A token that a model wrote."""
    tokens = card.branches[branch].tokens
    if not 0 <= index < len(tokens):
        return [], []
    token = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    if len(card.branches) > 1:
        place += glyphs.dot + text("inspector.branch", n=branch + 1)
    own = card.tracked if card.tracked and card.tracked.branch == branch else None
    lines = [
        *_title(shown(token.text, token.id, glyphs), place),
        _fact("id", str(token.id)),
        *([_fact("piece", clean(token.piece))] if token.piece else []),
        *(tracked.figures(own.words, index, _LABEL) if own else []),
        *_measures(token),
    ]
    if not card.request.sampling.greedy:
        drawn = chance(token.sampled_logprob).strip()
        lines.append(_fact("sampled", drawn))
    return lines, _alternatives(token, width, glyphs)


def _alternatives(token: Measured, width: int, glyphs: Glyphs) -> list[Line]:
    """What else could have come in a token's place."""
    column = bars.column([other.text for other in token.top], max(6, width // 3), glyphs)
    normaliser = token.normaliser
    rows = [
        bars.row(
            str(rank),
            bars.label(other.text, other.id, column, glyphs),
            math.exp(other.logprob),
            width,
            glyphs,
            logit=None if normaliser is None else other.logprob + normaliser,
            indent=0,
            style="chip" if other.id == token.id else "",
        )
        for rank, other in enumerate(token.top, 1)
    ]
    return [bars.heading("", width), *rows] if rows and normaliser is not None else rows


def _judged(tokens: Sequence[Measured], index: int, width: int, glyphs: Glyphs) -> Parts:
    """A token that was only read: how likely it was there, and what else could have been."""
    token = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    lines = [
        *_title(shown(token.text, token.id, glyphs), place),
        _fact("id", str(token.id)),
        *_measures(token),
    ]
    return lines, _alternatives(token, width, glyphs)


def _measures(token: Measured) -> list[Line]:
    """The figures of a token in its place."""
    probability = chance(token.logprob).strip()
    if token.normaliser is not None:
        logit = f"{token.logprob + token.normaliser:.4f}"
        probability = text("inspector.with_logit", probability=probability, logit=logit)
    entropy = None if token.entropy is None else f"{bits(token.entropy):.2f}"
    return [
        _fact("probability", probability),
        *([] if token.rank is None else [_fact("rank", str(token.rank))]),
        _fact("surprisal", text("inspector.bits", n=f"{bits(-token.logprob):.2f}")),
        *([] if entropy is None else [_fact("entropy", text("inspector.bits", n=entropy))]),
    ]


def _compared(card: PairCard, ref: Ref | None, width: int, glyphs: Glyphs) -> Parts:
    """The aligned tokens of two sentences, and what else could have come there."""
    first = next(iter(judged.pair_refs(card)), PairPart(0, 0))
    found = judged.against(card, ref if isinstance(ref, PairPart) else first)
    if found is None:
        return [], []
    lines: list[Line] = []
    table: list[Line] = []
    for name, tokens in zip("AB", found, strict=True):
        for token in tokens:
            place = text("inspector.side", side=name)
            lines += [*_title(shown(token.text, token.id, glyphs), place), *_measures(token)]
        if tokens:
            heading = text("inspector.side", side=name)
            table += [Line((Span(f" {heading}", "facts"),))]
            table += _alternatives(tokens[0], width, glyphs)
    nats = total(found[0]) - total(found[1])
    return [_fact("difference", text("inspector.nats", n=f"{nats:+.2f}")), *lines], table


def _list(result: FillResult, ref: WordList, width: int, glyphs: Glyphs) -> Parts:
    """One of the lists below the candidates, whole."""
    if ref.kind == "joint":
        found = result.joint[ref.number]
        lines = [
            *_title(text(f"joint.{found.method}.name"), text("inspector.joint")),
            *wrap([Span(text(f"joint.{found.method}.help"), "facts")], _FACTS, " "),
        ]
        table = [
            line
            for rank, filling in enumerate(found.fillings, 1)
            for line in wrap(
                [
                    Span(f"{rank:>2} ", "facts"),
                    Span(clean(" ".join(filling.words))),
                    Span(f" {_joint_figures(found.method, filling)}", "facts"),
                ],
                width,
                "   ",
                "",
            )
        ]
        return lines, table
    mask = result.masks[ref.number]
    whole = ref.kind == "whole"
    name = text("card.whole" if whole else "card.asked_words")
    scored = fillings.ranked(mask.whole if whole else mask.words)
    lines = [
        *_title(name, text("card.mask", n=ref.number + 1)),
        *wrap([Span(text("inspector.whole"), "facts")], _FACTS, " "),
    ]
    return lines, fillings.words(scored, width, glyphs, 0)


def _joint_figures(method: JointMethod, filling: JointFill) -> str:
    figure = fillings.logprob(method, filling, 4)
    if filling.ratio is None:
        return figure
    return f"{figure} {text('inspector.ratio', n=f'{filling.ratio:+.4f}')}"


def _mask(mask: MaskFill, width: int, glyphs: Glyphs) -> list[Line]:
    """All candidates for one mask, and the word it hides."""
    column = bars.column([c.text for c in mask.candidates], max(6, width // 3), glyphs)
    hidden = mask.hidden
    lines = [
        bars.row(
            str(rank),
            bars.label(candidate.text, candidate.id, column, glyphs),
            candidate.prob,
            width,
            glyphs,
            logit=candidate.logit,
            indent=0,
            style="chip" if hidden is not None and hidden.word == candidate.text else "",
        )
        for rank, candidate in enumerate(mask.candidates, 1)
    ]
    if any(candidate.logit is not None for candidate in mask.candidates):
        lines.insert(0, bars.heading("", width))
    if hidden is not None and hidden.prob is not None:
        name = bars.label(hidden.word, 0, column, glyphs)
        row = bars.row(
            str(hidden.rank),
            name,
            hidden.prob,
            width,
            glyphs,
            logit=hidden.logit,
            indent=0,
            style="chip",
        )
        lines += [Line(), Line((Span(f"  {text('inspector.hidden')}", "facts"),)), row]
    return lines


def _piece(tokens: Sequence[Piece], index: int, glyphs: Glyphs) -> list[Line]:
    piece = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    lines = [
        *_title(clean(piece.piece), place),
        _fact("id", str(piece.id)),
        _fact("reads", shown(piece.text, piece.id, glyphs)),
        _fact("segment", str(piece.segment)),
    ]
    if piece.special:
        lines.append(Line((Span(" " + text("inspector.a_special"), "facts"),)))
    if piece.start is not None and piece.end is not None:
        lines.append(_fact("offset", f"{piece.start}-{piece.end}"))
    return lines


def _of_a_pair(card: ScoreCard, ref: WitnessToken, glyphs: Glyphs) -> list[Line]:
    """A token that a witness to a pair read."""
    if not card.results or not card.tokens(ref.witness, back=ref.back):
        return []
    match judgement(card.results[ref.witness]).read:
        case Gains() as read:
            tokens = read.back if ref.back else read.there
            return _scored(tokens, ref.index, "after_b" if ref.back else "after_a", glyphs)
        case Fed() as read:
            attention = str(read.attention_mask[ref.index])
            return [*_piece(read.tokens, ref.index, glyphs), _fact("attention", attention)]
        case None:
            return []
        case never:
            assert_never(never)


def _scored(tokens: Sequence[ScoredToken], index: int, after: str, glyphs: Glyphs) -> list[Line]:
    """A token of one text, with and without the other before it."""
    token = tokens[index]
    place = text("inspector.place", n=index + 1, of=len(tokens))
    lines = [*_title(shown(token.text, token.id, glyphs), place), _fact("id", str(token.id))]
    for key, nats in ((after, token.conditional), ("alone", token.alone)):
        value = text("inspector.unscored")
        if nats is not None:
            value = text("inspector.bits", n=f"{bits(-nats):.2f}")
            value += f" {chance(nats).strip()}"
        lines.append(_fact(key, value))
    saved = gain(token)
    if saved is not None:
        lines.append(_fact("gain", text("inspector.bits", n=f"{saved:+.2f}")))
    return lines


def _title(name: str, place: str) -> list[Line]:
    """The token itself, and its place."""
    return [*wrap([Span(name, "prompt")], _FACTS, " "), Line((Span(f" {place}", "facts"),))]


def _fact(key: str, value: str) -> Line:
    """One line: a name, and what it is."""
    name = padded(text(f"inspector.{key}"), _LABEL)
    return Line((Span(f" {name}", "facts"), Span(value)), indent=1)
