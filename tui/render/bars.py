"""Probabilities as bars with their numbers beside them, in aligned columns."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tui.cards.refs import Ref
from tui.render.flow import Line, Span
from tui.terminal.sanitise import Glyphs, token
from tui.terminal.units import percent


def bar(fraction: float, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """A bar of `width` cells as its filled and its empty part."""
    steps = len(glyphs.bar)
    eighths = round(min(1.0, max(0.0, fraction)) * width * steps)
    full, rest = divmod(eighths, steps)
    filled = glyphs.bar[0] * full + (glyphs.bar[steps - rest] if rest else "")
    return filled, glyphs.track * (width - len(filled))


def label(text: str, token_id: int, width: int, glyphs: Glyphs) -> str:
    """A token's text in exactly `width` cells."""
    return set_cell_size(token(text, token_id, glyphs), width)


def row(
    number: str,
    name: str,
    probability: float,
    width: int,
    glyphs: Glyphs,
    *,
    indent: int = 2,
    style: str = "",
    ref: Ref | None = None,
) -> Line:
    """One line: a number, a name already in its column's width, a bar, and the figure.

    `width` is that of the whole line. Where there is no room for a bar there is none.
    """
    head = f"{' ' * indent}{number:>2} "
    figure = percent(probability)
    room = width - cell_len(head) - cell_len(name) - len(figure) - 2
    spans = [Span(head, "facts"), Span(f"{name} ", style, ref)]
    if room >= 3:
        filled, empty = bar(probability, room, glyphs)
        spans += [Span(filled, "bar"), Span(empty, "bar-rest")]
    spans.append(Span(f" {figure}", style))
    return Line(tuple(spans), indent=indent)


def column(names: list[str], limit: int, glyphs: Glyphs) -> int:
    """How many cells a column of tokens needs, at most `limit`."""
    widths = [cell_len(token(name, 0, glyphs)) for name in names]
    return max(1, min(max(widths, default=1), limit))
