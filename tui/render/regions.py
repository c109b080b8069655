"""Sentences side by side by region: a column for each region, a row for each condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from tui.render import columns
from tui.render.bars import bar
from tui.render.flow import Line, Span, wrap
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean

_FIGURE = 7
"""Cells of a figure and the space before it."""
_NARROW = 10
"""Cells of a column at least: a figure, and a bar that says something."""
_WIDE = 24
"""Cells of a column at most, where others are beside it; longer words are wrapped in it."""
_GAP = 2
_NAMES = 18
"""Cells of the names of conditions at most."""


@dataclass(frozen=True)
class Region:
    """A region of one sentence, or its mean over many."""

    content: str
    bits: float | None


@dataclass(frozen=True)
class Row:
    """A condition: a region for each column, or None where it has none; and the sum of all."""

    name: str
    regions: Sequence[Region | None]
    total: float | None


@dataclass(frozen=True)
class Grid:
    """The lines, and which columns there was room for: the first and the one after the last."""

    lines: list[Line]
    shown: tuple[int, int]


def grid(heads: Sequence[str], rows: Sequence[Row], first: int, width: int, glyphs: Glyphs) -> Grid:
    """Lay out the columns from `first` on; the longest bar of all columns fills its cell."""
    sums = [_sum(row.total) for row in rows]
    named = min(_NAMES, max((cell_len(row.name) for row in rows), default=0))
    names = max([named, *(cell_len(line.text) for line in sums)])
    room = max(_NARROW, width - names - _GAP)
    widths = _widths(heads, rows, room)
    stop, used = first, 0
    while stop < len(widths) and (stop == first or used + widths[stop] <= room):
        used += widths[stop] + _GAP
        stop += 1
    shown = range(first, stop)
    most = max((r.bits for row in rows for r in row.regions if r and r.bits), default=0.0)
    places = [names + _GAP, *(widths[at] + _GAP for at in shown)]
    titles = [[_cut(heads[at], widths[at], "label")] for at in shown]
    lines = columns.beside([[Line()], *titles], *places)
    for row, total in zip(rows, sums, strict=True):
        cells = [(row.regions[at], widths[at]) for at in shown]
        contents = [_content(*cell) for cell in cells]
        figures = [_figure(*cell, most, glyphs) for cell in cells]
        name = _cut(row.name, names, "chip")
        if any(contents):
            lines += columns.beside([[name], *contents], *places)
            name = total
        lines += [*columns.beside([[name], *figures], *places), Line()]
    return Grid(lines[:-1], (first, stop))


def _widths(heads: Sequence[str], rows: Sequence[Row], room: int) -> list[int]:
    """The cells of each column."""
    most = max(_WIDE, (room - _GAP * (len(heads) - 1)) // max(1, len(heads)))
    contents = [
        max((cell_len(r.content) for row in rows if (r := row.regions[at])), default=0)
        for at in range(len(heads))
    ]
    return [
        min(room, max(_NARROW, cell_len(head), min(content, most)))
        for head, content in zip(heads, contents, strict=True)
    ]


def _cut(written: str, width: int, style: str) -> Line:
    return Line((Span(set_cell_size(clean(written), min(width, cell_len(written))), style),))


def _content(region: Region | None, width: int) -> list[Line]:
    """What a region says."""
    content = "" if region is None else clean(region.content.strip())
    return wrap([Span(content, "prompt")], width) if content else []


def _figure(region: Region | None, width: int, most: float, glyphs: Glyphs) -> list[Line]:
    """A region's figure, after a bar."""
    if region is None:
        return []
    figure = f"{'–' if region.bits is None else f'{region.bits:.2f}':>{_FIGURE}}"
    share = (region.bits or 0.0) / most if most > 0 else 0.0
    filled, empty = bar(share, width - _FIGURE, glyphs)
    return [Line((Span(filled, "bar"), Span(empty, "bar-rest"), Span(figure)))]


def _sum(total: float | None) -> Line:
    bits = "–" if total is None else f"{total:.2f}"
    return Line((Span(text("screens.suite.sum", bits=bits), "facts"),))
