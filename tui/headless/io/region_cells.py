"""A row's text, cut into regions as the row gives them: in columns of their own, as a JSON list of
texts, or with | between them.

They are joined, and pieces belong to them, as in a suite; see `tui.suites.sentences`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tui.files.tables import Cells
from tui.strings import text
from tui.suites.sentences import Sentence, joined

SEPARATOR = "|"


class NoText(ValueError):
    """A row without a text that can be scored; the message says why, for the user."""


@dataclass(frozen=True)
class Source:
    """Where the rows of a table have their text."""

    columns: Sequence[str]
    """The column of the text, or those of its regions."""
    regions: bool
    """Whether the columns are those of its regions."""
    split: bool
    """Whether a text is cut where a | stands."""

    @property
    def names(self) -> list[str | None]:
        """What the regions are called, where columns name them."""
        return list(self.columns) if self.regions else []

    def read(self, cells: Cells) -> Sentence:
        """The text of a row.

        Raises:
            NoText: it has none.
        """
        found = [cells.get(column) for column in self.columns]
        if self.regions:
            given = [cell if isinstance(cell, str) else "" for cell in found]
            missing = not any(each.strip() for each in given)
        else:
            (cell,) = found
            given = self._cut(cell)
            missing = not given
        if missing:
            raise NoText(text("tables.no_text", columns=list(self.columns)))
        if len(given) > 1 or self.split:
            return joined(range(1, len(given) + 1), given)
        return Sentence(given[0], [1], given, [0])

    def _cut(self, cell: object) -> list[str]:
        if isinstance(cell, msgspec.Raw):
            try:
                return msgspec.json.decode(cell, type=list[str])
            except msgspec.DecodeError:
                return []
        if not isinstance(cell, str) or not cell.strip():
            return []
        return [part.strip() for part in cell.split(SEPARATOR)] if self.split else [cell]
