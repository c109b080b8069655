"""A view of lines that grow at their end, which follows them only while the reader is there."""

from __future__ import annotations

from itertools import zip_longest

from rich.cells import cell_len
from textual.message import Message

from tui.render.flow import Line
from tui.widgets.lines import LinesView


class FollowingView(LinesView):
    """Stays at the bottom only while the reader is there.

    With `jump`, it scrolls half a page at a time while text streams: on a slow line, every
    scrolled row is sent again.
    """

    class Below(Message):
        """There is, or no longer is, new text below what the reader sees."""

        def __init__(self, below: bool) -> None:
            super().__init__()
            self.below = below

    def __init__(self, *, jump: bool) -> None:
        super().__init__()
        self._jump = jump
        self._lines: list[Line] = []
        self._below = False
        self._follows = True
        """Whether the reader was at the end after the last move."""

    @property
    def lines(self) -> list[Line]:
        """The lines put last."""
        return self._lines

    def put(self, lines: list[Line]) -> None:
        """Show other lines: draw what differs, and follow the text from its end."""
        at_end, before = self._follows, self._lines
        self._lines = lines
        bottom = self.scroll_offset.y + self.size.height
        if at_end and len(lines) > bottom:
            # A jump leaves half a window for what comes, so that fewer lines are sent again.
            slack = self.size.height // 2 if self._jump else 0
            top = len(lines) + slack - self.size.height
            self.take_height(len(lines) + slack)
            self.scroll_to(y=top, animate=False, force=True)
            self.refresh()
            return
        self.take_height(max(len(lines), bottom if at_end else 0))
        for row, (old, new) in enumerate(zip_longest(before, lines)):
            if old is not new and old != new:
                self.redraw(row, max(cell_len(line.text) for line in (old, new) if line))
        if not at_end and len(lines) > len(before):
            self._post_below(True)

    def to_end(self) -> None:
        """Go to the last line, and follow the text from there."""
        self.take_height(len(self._lines))
        self.scroll_end(animate=False, force=True, immediate=True)
        self._follows = True
        self._post_below(False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Notice that the reader came back to the end."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = self.scroll_offset.y + self.size.height >= len(self._lines)
        if self._follows:
            self._post_below(False)

    def _post_below(self, below: bool) -> None:
        if below != self._below:
            self._below = below
            self.post_message(self.Below(below))
