"""The text behind an editor."""

from __future__ import annotations

from textual.document._document import Document, EditResult, Location

from tui.terminal.sanitise import clean


class ExactDocument(Document):
    """Keeps every character as it came and gives its lines as they are drawn.

    A character has one mark, so a place in the one is the same place in the other. Only a newline
    ends a line; Textual's own document breaks at a form feed and at six other characters too.

    A text that is too long to edit can be held before the lines: it is part of the text only.
    """

    def __init__(self, text: str) -> None:
        super().__init__("")
        self._exact = [""]
        self.held = ""
        self.replace_range((0, 0), (0, 0), text)

    @property
    def text(self) -> str:
        """The whole text, as it is."""
        return self.held + self.edited

    @property
    def edited(self) -> str:
        """The text of the lines, as it is."""
        return "\n".join(self._exact)

    def get_text_range(self, start: Location, end: Location) -> str:
        """The text between two places, as it is."""
        (top, left), (bottom, right) = sorted((start, end))
        if top == bottom:
            return "".join(self._exact[top : top + 1])[left:right]
        last = self._exact[bottom][:right] if bottom < len(self._exact) else ""
        return "\n".join([self._exact[top][left:], *self._exact[top + 1 : bottom], last])

    def replace_range(self, start: Location, end: Location, text: str) -> EditResult:
        """Put a text in place of another."""
        (top, left), (bottom, right) = sorted((start, end))
        replaced = self.get_text_range(start, end)
        before = "".join(self._exact[top : top + 1])[:left]
        after = "".join(self._exact[bottom : bottom + 1])[right:]
        lines = f"{before}{text}{after}".split("\n")
        self._exact[top : bottom + 1] = lines
        self._lines[top : bottom + 1] = map(clean, lines)
        row = top + len(lines) - 1
        return EditResult((row, len(lines[-1]) - len(after)), replaced)
