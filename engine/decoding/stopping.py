"""Cuts a text that arrives in pieces before the first stop string in it."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """Lets text through, holding back what may yet turn out to begin a stop string.

    The stop string that is complete first counts (of those that end together, the longest), so
    that the text kept does not depend on how it was cut into pieces.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        """`stops` are non-empty."""
        self._stops = tuple(stops)
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """Take the next piece; return the text to show now, and whether a stop string is met.

        After a stop string nothing more is to be pushed; neither it nor what follows is text.
        """
        text = self._held + text
        met = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        if met:
            self._held = ""
            return text[: min(met)[1]], True
        kept = len(text) - self._beginning(text)
        self._held = text[kept:]
        return text[:kept], False

    def flush(self) -> str:
        """The text held back, when nothing follows it any more."""
        held, self._held = self._held, ""
        return held

    def _beginning(self, text: str) -> int:
        """How many characters at the end of the text could begin a stop string."""
        longest = max(map(len, self._stops), default=1) - 1
        for size in range(min(longest, len(text)), 0, -1):
            tail = text[-size:]
            if any(len(stop) > size and stop.startswith(tail) for stop in self._stops):
                return size
        return 0
