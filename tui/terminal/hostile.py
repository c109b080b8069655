"""The second line of defence against text that could control the terminal."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tui.terminal.sanitise import HOSTILE, clean


class HostileFilter(LineFilter):
    """Cleans every line just before it is written.

    It sees what slipped past `tui.terminal.sanitise.clean`, such as a library's own message. Widths
    can then be off by a cell; nothing worse.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments with control characters replaced; most lines pass untouched."""
        if not any(HOSTILE.search(segment.text) for segment in segments):
            return segments
        return [
            Segment(clean(text) if control is None else text, style, control)
            for text, style, control in segments
        ]
