"""Blocks of lines next to each other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len

from tui.render.flow import Line, Span


def beside(columns: Sequence[Sequence[Line]], width: int) -> list[Line]:
    """The columns as one block, each but the last of them filled up to `width` cells."""
    lines: list[Line] = []
    for row in zip_longest(*columns, fillvalue=Line()):
        spans: list[Span] = []
        for line in row[:-1]:
            spans += [*line.spans, Span(" " * max(0, width - cell_len(line.text)))]
        lines.append(Line((*spans, *row[-1].spans), indent=row[0].indent))
    return lines
