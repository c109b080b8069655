"""A scrolling view of lines that are already laid out, drawn by Textual's line API."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.cache import LRUCache
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from tui.render.flow import Line, Span

STYLES = (
    "prompt",
    "label",
    "facts",
    "bar",
    "bar-rest",
    "chip",
    "busy",
    "failed",
    "chosen",
    "cursor",
    "mask",
    "second",
    *(f"token-{bucket}" for bucket in range(5)),
)
"""What a span's style may be; themes colour each by the component class ``lines--<name>``."""

_ROWS = 256
"""How many drawn rows are kept; more than a window has."""


class LinesView(ScrollView):
    """Draws `lines`, of which only those on the screen cost anything."""

    # Lines are laid out in the width there is. Without this, a scrollbar that comes beside them
    # would bring one below them, and the arrow keys would scroll sideways.
    DEFAULT_CSS: ClassVar[str] = "LinesView { overflow-x: hidden; }"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"lines--{name}" for name in STYLES}

    def __init__(self) -> None:
        super().__init__()
        self._base = Style()
        self._strips: LRUCache[int, tuple[tuple[Span, ...], Strip]] = LRUCache(_ROWS)
        """Rows as they were drawn last, with what is in them."""
        self._drawn = (0, self._base)
        """The width and the style in which they were drawn."""

    @property
    def lines(self) -> list[Line]:
        """All lines, first to last."""
        raise NotImplementedError

    def spans(self, row: int) -> tuple[Span, ...]:
        """What to draw in one row; a view that marks something overrides this."""
        return self.lines[row].spans

    def resized(self) -> None:
        """Take the number of lines as the height to scroll over, and draw again."""
        self.take_height(len(self.lines))
        self.refresh()

    def redraw(self, row: int, cells: int) -> None:
        """Draw this many of a line's cells again; the blank ones behind them are not sent."""
        self.refresh(Region(0, row - self.scroll_offset.y, min(cells, self.size.width), 1))

    def take_height(self, height: int) -> None:
        """Take a number of rows to scroll over.

        Textual lays the whole screen out anew for it, which a streaming text would ask for with
        every line; that is needed only where a scrollbar comes or goes.
        """
        size, window = Size(self.size.width, height), self.size.height
        if size.width != self.virtual_size.width or (self.virtual_size.height > window) != (
            height > window
        ):
            self.virtual_size = size
        else:
            self.set_reactive(LinesView.virtual_size, size)
            if self.show_vertical_scrollbar:
                self.vertical_scrollbar.window_virtual_size = height

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the window; the style that all lines begin from is worked out once."""
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """Draw one row of the window. A row that only scrolled is not made again."""
        row, drawn = y + self.scroll_offset.y, (self.size.width, self._base)
        if row >= len(self.lines):
            return Strip.blank(*drawn)
        spans, selection = self.spans(row), self.text_selection
        chosen = None if selection is None else selection.get_span(row)
        if chosen is not None:
            return self._strip(row, spans, chosen)
        if drawn != self._drawn:
            self._drawn = drawn
            self._strips.clear()
        before = self._strips.get(row)
        if before is not None and before[0] == spans:
            return before[1]
        strip = self._strip(row, spans)
        self._strips[row] = spans, strip
        return strip

    def _strip(
        self, row: int, spans: tuple[Span, ...], chosen: tuple[int, int] | None = None
    ) -> Strip:
        base = self._base
        segments = [
            Segment(span.text, base + self._style(span.style) if span.style else base)
            for span in spans
        ]
        if chosen is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            segments = _paint(segments, *chosen, style)
        strip = Strip(segments).simplify()  # tokens of one style are one run on the wire
        return strip.adjust_cell_length(self.size.width, base).apply_offsets(0, row)

    def notify_style_update(self) -> None:
        """Forget what was drawn in other colours."""
        self._strips.clear()
        super().notify_style_update()

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"lines--{name}", partial=True)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, with wrapped lines joined again and indents left out."""
        parts: list[str] = []
        for row, line in enumerate(self.lines):
            chosen = selection.get_span(row)
            if chosen is None:
                continue
            start, end = chosen
            whole = line.text
            end = len(whole) if end == -1 else end
            parts.append(whole[max(start, line.indent) : end])
            if not line.soft:
                parts.append("\n")
        text = "".join(parts).rstrip("\n")
        return (text, "\n") if text else None

    def selection_updated(self, selection: Selection | None) -> None:
        """Show the new selection."""
        self.refresh()


class Page(LinesView, can_focus=True):
    """Lines that are put there whole, longer than the screen where they must be."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []

    @property
    def lines(self) -> list[Line]:
        """What was put last."""
        return self._lines

    def put(self, lines: list[Line]) -> None:
        """Show other lines."""
        self._lines = lines
        self.resized()


def _paint(segments: list[Segment], start: int, end: int, style: Style) -> list[Segment]:
    """Lay a style over the characters from `start` to `end` (-1: to the last)."""
    painted: list[Segment] = []
    at = 0
    for text, own, _ in segments:
        first = min(max(start - at, 0), len(text))
        last = len(text) if end == -1 else min(max(end - at, first), len(text))
        painted.append(Segment(text[:first], own))
        painted.append(Segment(text[first:last], style if own is None else own + style))
        painted.append(Segment(text[last:], own))
        at += len(text)
    return [segment for segment in painted if segment.text]
