"""Sentences that were scored token by token: as a strip to walk, and two of them side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from tui.analysis.heat import LIMITS, Heat, bar, bits, shade
from tui.analysis.minimal_pairs import Part, aligned
from tui.cards import Measured, PairCard, PllCard, total
from tui.cards.refs import MethodToken, PairPart
from tui.render.flow import Line, Span, wrap
from tui.render.weights import form
from tui.strings import text, worded
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown

Sides = tuple[list[Measured], list[Measured]]
"""Both sentences under one model."""


def strip(
    tokens: Sequence[Measured], method: int, width: int, glyphs: Glyphs, heat: Heat
) -> list[Line]:
    """The tokens with a small bar after each: colour is never the only cue."""
    spans: list[Span] = []
    for number, token in enumerate(tokens):
        level = bar(token, heat, glyphs.levels)
        name = shown(token.text.strip() or token.text, token.id, glyphs)
        ref = MethodToken(method, number)
        spans += [Span(f"{name}{level}", shade(token, heat), ref), Span(" ")]
    return wrap(spans[:-1], width, "  ")


def strips(card: PllCard) -> list[int]:
    """The results to show, by number: one that says the same of every token is left out."""
    return [
        number
        for number, result in enumerate(card.results)
        if number == 0 or result.tokens != card.results[0].tokens
    ]


def pll(card: PllCard, width: int, glyphs: Glyphs, heat: Heat) -> list[Line]:
    """The total of each method, and the tokens that make it."""
    lines: list[Line] = []
    shown = strips(card)
    for number, result in enumerate(card.results):
        name = text(f"pll.{result.method}.name")
        if number not in shown:
            lines += wrap([Span(text("card.pll_same", method=name), "facts")], width, "  ")
            continue
        count = len(result.tokens)
        figures = text(
            "card.pll",
            total=f"{result.total:.2f}",
            n=count,
            bits=f"{bits(-result.total) / count:.2f}",
        )
        lines += wrap([Span(f"{name}  ", "label"), Span(figures)], width, "  ")
        lines += strip(result.tokens, number, width, glyphs, heat)
    return lines


def pair(card: PairCard, width: int, glyphs: Glyphs) -> list[Line]:
    """Both sentences under both models: totals, and token by token where they differ."""
    lines: list[Line] = []
    for model in range(2):
        part = card.parts[2 * model]
        method = card.request.method if isinstance(part, PllCard) else "causal"
        name = clean(f"{part.request.model} {form(part)}".rstrip())
        heading = [Span(name, "label"), Span(glyphs.dot + text(f"pll.{method}.name"), "facts")]
        lines += [*wrap(heading, width, "  ")]
        sides = card.scored(model)
        if sides is None:
            lines += _missing(card, model, width)
            continue
        one, other = (total(side) for side in sides)
        verdict = text("card.pair_tie")
        if one != other:
            better, by = ("A" if one > other else "B"), f"{abs(one - other):.2f}"
            verdict = text("card.pair_better", side=better, nats=by)
        figures = text("card.pair_totals", a=f"{one:.2f}", b=f"{other:.2f}")
        lines += wrap([Span(f"{figures}   "), Span(verdict, "chip")], width, "  ")
        lines += _grid(sides, model, width, glyphs)
    return lines


def _missing(card: PairCard, model: int, width: int) -> list[Line]:
    """Why a model has not scored both sentences."""
    for part in card.parts[2 * model : 2 * model + 2]:
        if part.error is not None:
            message = clean(worded(part.error.message, part.error.hint))
            return wrap([Span(message, "failed")], width, "    ")
    return []


def _grid(sides: Sides, model: int, width: int, glyphs: Glyphs) -> list[Line]:
    """A above B above the difference, as many tokens across as there is room for."""
    rows: list[list[Span]] = [[], [], []]
    lines: list[Line] = []
    used = 0

    def close() -> None:
        heads = (Span("  A ", "facts"), Span("  B ", "facts"), Span("    "))
        lines.extend(Line((head, *row), indent=4) for head, row in zip(heads, rows, strict=True))
        for row in rows:
            row.clear()

    for number, part in enumerate(_aligned(sides)):
        cells = _cells(part, sides, PairPart(model, number), glyphs)
        room = max(cell_len(cell.text) for cell in cells) + 1
        if used and used + room > width - 4:
            close()
            used = 0
        for row, cell in zip(rows, cells, strict=True):
            row += [cell, Span(" " * (room - cell_len(cell.text)))]
        used += room
    close()
    return lines


def _cells(part: Part, sides: Sides, ref: PairPart, glyphs: Glyphs) -> list[Span]:
    """The tokens of A, those of B, and how much likelier A's are."""
    tokens = _tokens(sides, part)
    nats = total(tokens[0]) - total(tokens[1])
    level = sum(bits(abs(nats)) >= limit for limit in LIMITS["surprisal"])
    names = ["".join(clean(token.text) for token in side).strip() for side in tokens]
    style = "facts" if part.same else "chip"
    return [
        *(Span(shown(name, 0, glyphs) if name else "-", style, ref) for name in names),
        Span(f"{nats:+.2f}{glyphs.levels[level]}", f"token-{level}", ref),
    ]


def _aligned(sides: Sides) -> list[Part]:
    one, other = sides
    return aligned([token.text for token in one], [token.text for token in other])


def pair_refs(card: PairCard) -> list[PairPart]:
    """The aligned tokens under each model."""
    found: list[PairPart] = []
    for model in range(2):
        sides = card.scored(model)
        if sides is not None:
            parts = _aligned(sides)
            found += [PairPart(model, number) for number in range(len(parts))]
    return found


def against(card: PairCard, ref: PairPart) -> Sides | None:
    """The tokens of both sentences at one of `pair_refs`; None where there is no such place."""
    sides = card.scored(ref.model)
    if sides is None:
        return None
    return _tokens(sides, _aligned(sides)[ref.number])


def _tokens(sides: Sides, part: Part) -> Sides:
    one, other = (
        side[span.start : span.stop] for side, span in zip(sides, part.spans, strict=True)
    )
    return one, other
