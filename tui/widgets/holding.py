"""Texts that are too long to be laid out again at every key, and are held out of the editor."""

from __future__ import annotations

from typing import Final

from textual.document._document import EditResult, Selection
from textual.document._edit import Edit
from textual.widgets import TextArea

from tui.widgets.exact_document import ExactDocument

LONG_LINE: Final = 20_000
LONG_TEXT: Final = 200_000
"""Characters from which on an editor takes a good part of a second for each key."""
BEGINNING: Final = 30
"""How many characters of a held text are shown."""


def too_long(content: str) -> bool:
    """Whether a text is to be held."""
    return len(content) >= LONG_TEXT or max(map(len, content.split("\n"))) >= LONG_LINE


def beginning(held: str) -> str:
    """How a held text begins, on one line."""
    return " ".join(held[: 10 * BEGINNING].split())[:BEGINNING]


class WholeEdit(Edit):
    """Replaces all of a document, what is held and what is edited; undo brings both back."""

    def __init__(self, document: ExactDocument, held: str, edited: str) -> None:
        super().__init__(held + edited, (0, 0), document.end, maintain_selection_offset=False)
        self._document = document
        self._new = held, edited
        self._old = document.held, document.edited

    def do(self, text_area: TextArea, record_selection: bool = True) -> EditResult:
        """Put in the new text, and the cursor where its editing begins."""
        if record_selection:
            self._original_selection = text_area.selection
        self._updated_selection = Selection.cursor((0, 0))
        replaced = self._document.text
        self._edit_result = EditResult(self._put(*self._new).end_location, replaced)
        return self._edit_result

    def undo(self, text_area: TextArea) -> EditResult:
        """Put back the old text, and the cursor where it was."""
        self._updated_selection = self._original_selection
        return self._put(*self._old)

    def _put(self, held: str, edited: str) -> EditResult:
        self._document.held = held
        return self._document.replace_range((0, 0), self._document.end, edited)
