"""The way back through what was sent, with the up and down keys of a composer."""

from __future__ import annotations

from collections.abc import Sequence

from tui.cards.drafts import Draft


class Recall:
    """How far back one pane's composers are."""

    def __init__(self) -> None:
        self._back = 0
        """How many drafts back; 0 is what the person was writing."""

    def restart(self) -> None:
        """Begin at the newest draft again."""
        self._back = 0

    def move(self, by: int, earlier: Sequence[Draft]) -> Draft | None:
        """The draft before (-1) or after (1), of those sent, oldest first; None beyond them.

        After the newest comes an empty one.
        """
        back = self._back - by
        if not 0 <= back <= len(earlier):
            return None
        self._back = back
        return earlier[-back] if back else Draft(model="")
