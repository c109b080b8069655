"""Blocks of lines next to each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len

from tui.render.flow import Line, Span


def beside(columns: Sequence[Sequence[Line]], *widths: int) -> list[Line]:
    """The columns as one block, each but the last filled up to its width, or to the last given."""
    lines: list[Line] = []
    for row in zip_longest(*columns, fillvalue=Line()):
        spans: list[Span] = []
        for number, line in enumerate(row[:-1]):
            rest = widths[min(number, len(widths) - 1)] - cell_len(line.text)
            spans += [*line.spans, Span(" " * max(0, rest))]
        lines.append(Line((*spans, *row[-1].spans), indent=row[0].indent))
    return lines
