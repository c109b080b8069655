"""Probabilities as bars with their numbers beside them, in aligned columns."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from tui.cards.refs import Ref
from tui.render.flow import Line, Span
from tui.strings import text
from tui.terminal.sanitise import Glyphs, token
from tui.terminal.units import percent

_LOGIT = 9
"""Cells of a logit and the space before it."""
_WITH_LOGIT = 36
"""The cells of a line from which a logit has room beside the probability."""


def bar(fraction: float, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """A bar of `width` cells as its filled and its empty part."""
    steps = len(glyphs.bar)
    eighths = round(min(1.0, max(0.0, fraction)) * width * steps)
    full, rest = divmod(eighths, steps)
    filled = glyphs.bar[0] * full + (glyphs.bar[steps - rest] if rest else "")
    return filled, glyphs.track * (width - len(filled))


def label(written: str, token_id: int, width: int, glyphs: Glyphs) -> str:
    """A token's text in exactly `width` cells."""
    return set_cell_size(token(written, token_id, glyphs), width)


def row(
    number: str,
    name: str,
    probability: float,
    width: int,
    glyphs: Glyphs,
    *,
    logit: float | None = None,
    indent: int = 2,
    style: str = "",
    ref: Ref | None = None,
) -> Line:
    """One line: a number, a name already in its column's width, a bar, and the figures.

    `width` is that of the whole line. Where there is no room for a bar there is none, and none for
    the logit where `heading` has none.
    """
    head = f"{' ' * indent}{number:>2} "
    figure = percent(probability)
    if logit is not None and width >= _WITH_LOGIT:
        figure += f"{logit:>{_LOGIT}.2f}"
    room = width - cell_len(head) - cell_len(name) - len(figure) - 2
    spans = [Span(head, "facts"), Span(f"{name} ", style, ref)]
    if room >= 3:
        filled, empty = bar(probability, room, glyphs)
        spans += [Span(filled, "bar"), Span(empty, "bar-rest")]
    spans.append(Span(f" {figure}", style))
    return Line(tuple(spans), indent=indent)


def heading(name: str, width: int) -> Line:
    """The line above rows with logits: a name on the left, what the figures are on the right."""
    if width < _WITH_LOGIT:
        return Line((Span(name, "label"),))
    logit = text("inspector.logit")
    figures = text("inspector.probability") + " " * max(1, _LOGIT - cell_len(logit)) + logit
    room = width - cell_len(name) - cell_len(figures)
    return Line((Span(name, "label"), Span(" " * max(1, room) + figures, "facts")))


def column(names: list[str], limit: int, glyphs: Glyphs) -> int:
    """How many cells a column of tokens needs, at most `limit`."""
    widths = [cell_len(token(name, 0, glyphs)) for name in names]
    return max(1, min(max(widths, default=1), limit))
