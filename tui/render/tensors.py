"""What a model was fed for a card and what it computed, as tensors with their shapes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import assert_never

from engine.messages import (
    CosineResult,
    FillResult,
    NspResult,
    Piece,
    PmiResult,
    PseudoLikelihoodResult,
    ScoreResult,
    SopResult,
)
from tui.cards import Card, ContinueCard, DocumentCard, FillCard, Measured, PairCard, PllCard
from tui.cards.figures import judgement
from tui.cards.refs import BranchToken, MethodToken, Ref
from tui.cards.scoring import ScoreCard
from tui.render import bars
from tui.render.flow import Line, Span, wrap
from tui.strings import listed, text
from tui.terminal.sanitise import Glyphs, clean

_INDENT = "   "


def tensor_lines(card: Card, ref: Ref | None, width: int, glyphs: Glyphs) -> list[Line]:
    """The tensors of a card; where it has a row of logits for each token, that of the one chosen.

    Shapes are those of one text at a time, as `transformers` would be called with it.
    """
    page = _Page(width, glyphs)
    lines = [*page.card(card, ref)]
    return lines or wrap([Span(text("screens.tensors.none"), "facts")], width, " ")


class _Page:
    """Lays tensors out."""

    def __init__(self, width: int, glyphs: Glyphs) -> None:
        self._width = width
        self._glyphs = glyphs

    def card(self, card: Card, ref: Ref | None) -> Iterator[Line]:
        """All of a card."""
        match card:
            case ContinueCard():
                yield from self._written(card, ref)
            case FillCard():
                yield from [] if card.result is None else self._filled(card.result)
            case PllCard():
                yield from self._judged(card, ref)
            case PairCard():
                for part in card.parts:
                    yield from self._title(f"{part.request.model}: {part.wrote}")
                    yield from self.card(part, None)
            case ScoreCard():
                for result in card.results:
                    yield from self._witness(result)
            case DocumentCard():
                yield from self._note("pairs")
            case never:
                assert_never(never)

    # ------------------------------------------------------------------ kinds of card

    def _written(self, card: ContinueCard, ref: Ref | None) -> Iterator[Line]:
        at = ref if isinstance(ref, BranchToken) else BranchToken(0, -1)
        if at.branch >= len(card.branches) or not card.branches[at.branch].tokens:
            return
        tokens = card.branches[at.branch].tokens
        place = at.index if at.index >= 0 else len(tokens) - 1
        fed = card.path(at.branch, place)
        yield from self._inputs(fed, "before")
        # Nothing predicts the first token of a text that is read after nothing.
        if fed:
            shape = [1, len(fed), card.vocabulary]
            yield from self._row(shape, len(fed) - 1, "at", tokens[place])
        ids = [token.id for token in tokens]
        yield from self._tensor(text("screens.tensors.written"), "int64", [1, len(ids)], ids)

    def _filled(self, result: FillResult) -> Iterator[Line]:
        causal = result.method == "causal"
        ids = [piece.id for piece in result.tokens]
        yield from self._inputs(ids, "filled" if causal else "text", _segments(result))
        if causal:
            yield from self._note("ranked")
            return
        for mask in result.masks:
            yield from self._logits([1, len(ids), result.vocabulary], mask.position, "masked")
            known = [word for word in mask.candidates if word.logit is not None]
            column = self._column([word.text for word in known])
            for word in known:
                label = bars.label(word.text, word.id, column, self._glyphs)
                yield self._bar(word.id, label, word.prob, word.logit)

    def _judged(self, card: PllCard, ref: Ref | None) -> Iterator[Line]:
        at = ref if isinstance(ref, MethodToken) else MethodToken(0, 0)
        if at.method >= len(card.results):
            return
        result: PseudoLikelihoodResult = card.results[at.method]
        places = [n for n, piece in enumerate(result.row) if piece.start is not None]
        ids = [piece.id for piece in result.row]
        yield from self._inputs(ids, "unmasked", _segments(result))
        if at.index < len(places):
            shape = [1, len(ids), result.vocabulary]
            yield from self._row(shape, places[at.index], "masked", result.tokens[at.index])

    def _witness(self, result: ScoreResult) -> Iterator[Line]:
        yield from self._title(listed((result.model, text(f"score.{judgement(result).kind}"))))
        match result:
            case NspResult() | SopResult():
                yield from self._head(result)
            case PmiResult():
                for order, one in (("AB", result), ("BA", result.reversed)):
                    ids = [*one.before, *(token.id for token in one.tokens)]
                    yield from self._heading(
                        text("screens.tensors.order", first=order[0], second=order[1])
                    )
                    yield from self._inputs(ids, "")
                    yield from self._tensor("logits", "float32", [1, len(ids), result.vocabulary])
            case CosineResult():
                yield from self._note("states")
            case never:
                assert_never(never)

    def _head(self, result: NspResult | SopResult) -> Iterator[Line]:
        ids = [piece.id for piece in result.tokens]
        segments = [piece.segment for piece in result.tokens]
        yield from self._heading(text("screens.tensors.order", first="A", second="B"))
        yield from self._inputs(ids, "", segments, result.attention_mask)
        judged = judgement(result)
        for back, order in ((False, "AB"), (True, "BA")):
            if back:
                name = text("screens.tensors.order", first=order[0], second=order[1])
                yield from self._heading(name)
            values = [
                f"{each.value(back=back):+.4f} {each.means}" for each in judged.of_unit("logit")
            ]
            yield from self._tensor("logits", "float32", [1, 2], values)

    # ---------------------------------------------------------------------- their parts

    def _inputs(
        self,
        ids: Sequence[int],
        what: str,
        segments: Sequence[int] = (),
        attention: Sequence[int] = (),
    ) -> Iterator[Line]:
        """The ids of one text and what is fed beside them; all of it is attended to."""
        shape = [1, len(ids)]
        note = text(f"screens.tensors.{what}") if what else ""
        yield from self._tensor("input_ids", "int64", shape, ids, note)
        if segments:
            yield from self._tensor("token_type_ids", "int64", shape, segments)
        yield from self._tensor("attention_mask", "int64", shape, attention or [1] * len(ids))

    def _row(self, shape: Sequence[int], place: int, what: str, token: Measured) -> Iterator[Line]:
        """The likeliest of a row of logits."""
        yield from self._logits(shape, place, what)
        if token.normaliser is None:
            return
        column = self._column([other.text for other in token.top])
        for other in token.top:
            label = bars.label(other.text, other.id, column, self._glyphs)
            logit = other.logprob + token.normaliser
            yield self._bar(other.id, label, math.exp(other.logprob), logit)

    def _logits(self, shape: Sequence[int], place: int, what: str) -> Iterator[Line]:
        at = text("screens.tensors.pair", first=0, second=place)
        note = text(f"screens.tensors.{what}", place=at)
        yield from self._tensor("logits", "float32", shape, note=note)
        yield bars.heading("", self._width)

    def _bar(self, number: int, label: str, prob: float, logit: float | None) -> Line:
        name = f"{number:>6}"
        return bars.row(name, label, prob, self._width, self._glyphs, logit=logit)

    def _column(self, names: list[str]) -> int:
        return bars.column(names, max(6, self._width // 3), self._glyphs)

    def _tensor(
        self,
        name: str,
        kind: str,
        shape: Sequence[int],
        values: Sequence[object] = (),
        note: str = "",
    ) -> Iterator[Line]:
        unknown = text("screens.tensors.unknown")
        sizes = ", ".join(str(size) if size else unknown for size in shape)
        head = [Span(name, "label"), Span(f"  {kind} [{sizes}]", "facts")]
        yield from wrap([*head, Span(f"  {note}" if note else "", "facts")], self._width, " ")
        if values:
            # An id may be anything, but it is a number: nothing to clean.
            yield from wrap([Span("  ".join(map(str, values)))], self._width, _INDENT)

    def _title(self, name: str) -> Iterator[Line]:
        yield from wrap([Span(clean(" ".join(name.split())), "prompt")], self._width, "")

    def _heading(self, name: str) -> Iterator[Line]:
        yield from wrap([Span(name, "chip")], self._width, " ")

    def _note(self, key: str) -> Iterator[Line]:
        yield from wrap([Span(text(f"screens.tensors.{key}"), "facts")], self._width, " ")


def _segments(result: FillResult | PseudoLikelihoodResult) -> list[int]:
    """The segment ids that were fed, if any were."""
    pieces: Sequence[Piece] = result.tokens if isinstance(result, FillResult) else result.row
    return [piece.segment for piece in pieces] if result.segments else []
