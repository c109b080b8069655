"""Surprisal by word as bars, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from tui.render.bars import bar
from tui.terminal.sanitise import Glyphs

_FIGURE = 9
"""Cells of a figure and the spaces around it."""
_NAMES = 3
"""Names take one in so many cells of a line at most."""


def lines(words: Sequence[tuple[str, float | None]], width: int, glyphs: Glyphs) -> Iterator[str]:
    """A line of `width` cells for each word and its bits, which may be missing.

    The longest bar is the most surprising word's.
    """
    names = min(max((cell_len(word) for word, _ in words), default=0), max(1, width // _NAMES))
    room = max(1, width - names - _FIGURE)
    most = max((bits for _, bits in words if bits is not None), default=0.0)
    for word, bits in words:
        figure = "–" if bits is None else f"{bits:.2f}"
        filled, _ = bar((bits or 0.0) / most if most > 0 else 0.0, room, glyphs)
        yield f"{set_cell_size(word, names)} {figure:>{_FIGURE - 2}} {filled}".rstrip()
