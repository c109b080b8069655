"""Queries, keys and values of one head and token, as numbers that add up."""

from __future__ import annotations

import math

from engine.messages import HeadNumbers
from tui.render.flow import Line, Span, wrap
from tui.render.inside.view import View, heading, numbers, sentence
from tui.strings import text

_SHOWN = 4


def lines(view: View) -> list[Line]:
    """The query, each key with its dot product, score and weight, and the weighted sum."""
    found = next(iter(view.of(HeadNumbers)), None)
    if found is None or view.opened is None:
        return []
    token = view.brief(view.tokens[found.position])
    size = len(found.query)
    drawn = [
        heading(
            text(
                "screens.inside.numbers.title",
                layer=found.layer,
                head=found.head,
                token=token,
                position=found.position,
            ),
        )
    ]
    drawn += sentence(text("screens.inside.numbers.text", size=size), view.width)
    drawn += wrap([Span(f"q  {numbers(found.query[:_SHOWN])}")], view.width, "  ")
    drawn += [Line(), heading(text("screens.inside.numbers.keys", scale=f"{found.scale:.4f}"))]
    drawn.append(Line((Span(text("screens.inside.numbers.columns"), "facts"),)))
    largest = max(key.scaled for key in found.keys)
    total = sum(math.exp(key.scaled - largest) for key in found.keys)
    total /= max(1e-12, 1 - found.others_weight)
    for key in found.keys:
        name = view.cell(view.tokens[key.position], 12)
        row = f"{key.position:>4} {name} {key.dot:>9.4f} {key.scaled:>9.4f}"
        row += f" {math.exp(key.scaled - largest):>10.4f} {key.weight:>8.4f}"
        drawn.append(Line((Span(row), Span(f"  k {numbers(key.key[: _room(view)])}", "facts"))))
    if found.others:
        written = text(
            "screens.inside.numbers.others", n=found.others, weight=f"{found.others_weight:.4f}"
        )
        drawn.append(Line((Span(f"     {written}", "facts"),)))
    weights = sum(key.weight for key in found.keys) + found.others_weight
    written = text("screens.inside.numbers.sum", exp=f"{total:.4f}", weights=f"{weights:.4f}")
    drawn.append(Line((Span(f"     {written}", "label"),)))
    drawn += [Line(), heading(text("screens.inside.numbers.values"))]
    sums = [0.0] * _SHOWN
    for key in found.keys:
        parts = [key.weight * value for value in key.value[:_SHOWN]]
        sums = [one + other for one, other in zip(sums, parts, strict=False)]
        name = view.cell(view.tokens[key.position], 12)
        row = f"{key.position:>4} {name} {key.weight:.4f} * {numbers(key.value[:_SHOWN])}"
        drawn.append(Line((Span(row),)))
    if found.others:
        rest = [whole - part for whole, part in zip(found.output, sums, strict=False)]
        written = text("screens.inside.numbers.rest", n=found.others)
        drawn.append(Line((Span(f"     {written} {numbers(rest[:_SHOWN])}", "facts"),)))
    total_line = f"     {text('screens.inside.numbers.output')} {numbers(found.output[:_SHOWN])}"
    drawn.append(Line((Span(total_line, "label"),)))
    return drawn


def _room(view: View) -> int:
    """How many numbers of a key fit behind its scores."""
    return max(1, min(8, (view.width - 68) // 9))
