"""The scores of a text's gaps as bars: their height shows a score's place between the extremes."""

from __future__ import annotations

from collections.abc import Sequence

from tui.render.bars import bar
from tui.terminal.sanitise import Glyphs


def shares(scores: Sequence[float | None]) -> list[float | None]:
    """Where each score lies between the lowest (0) and the highest (1) of them."""
    known = [score for score in scores if score is not None]
    if not known:
        return list(scores)
    lowest, spread = min(known), max(known) - min(known)
    return [
        None if score is None else (score - lowest) / spread if spread else 1.0 for score in scores
    ]


def levels(scores: Sequence[float | None], glyphs: Glyphs) -> str:
    """A small bar for each score, side by side; a space where there is none."""
    steps = len(glyphs.levels)
    return "".join(
        " " if share is None else glyphs.levels[min(int(share * steps), steps - 1)]
        for share in shares(scores)
    )


def lengths(scores: Sequence[float | None], width: int, glyphs: Glyphs) -> list[str]:
    """A long bar for each score, one per line; nothing where there is none."""
    return ["" if share is None else "".join(bar(share, width, glyphs)) for share in shares(scores)]
