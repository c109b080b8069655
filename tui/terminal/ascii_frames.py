"""Frames, scrollbars and shadows in ASCII, for terminals that give their characters two cells."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_DRAWN: Final = re.compile("[\u2500-\u259f]")
"""Box drawing and block elements: what Textual draws its frames and scrollbars with."""


def _ascii(drawn: str) -> str:
    """The ASCII character that is most like a piece of a frame."""
    words = set(unicodedata.name(drawn).split())
    if "BOX" in words:
        ways = words & {"HORIZONTAL", "VERTICAL", "UP", "DOWN", "LEFT", "RIGHT"}
        return "-" if ways == {"HORIZONTAL"} else "|" if ways == {"VERTICAL"} else "+"
    if words & {"LEFT", "RIGHT"} and "QUADRANT" not in words:
        return "|"
    return "_" if "LOWER" in words else "-" if "UPPER" in words else "#"


_TABLE: Final = {code: _ascii(chr(code)) for code in range(0x2500, 0x25A0)}


class AsciiFilter(LineFilter):
    """Redraws frames just before a line is written; each piece takes one cell before and after."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with ASCII frames; lines without any pass untouched."""
        if not any(_DRAWN.search(segment.text) for segment in segments):
            return segments
        return [
            Segment(text if control else text.translate(_TABLE), style, control)
            for text, style, control in segments
        ]
