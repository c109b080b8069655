"""Regions joined to a sentence, and the figures of its pieces shared out among them.

Regions are joined by one space, also where one begins or ends with spaces of its own; by nothing
before a region that begins with closing punctuation (", the nurse", "."), unless the suite writes
a space there, and by nothing next to Japanese or Chinese. Empty regions add nothing, and letters
stay as they are.

A piece belongs to the region where its first character that is no space stands: a piece across a
border to the region that it begins in, and a space to what comes after it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from engine.messages import TextToken
from tui.analysis.heat import bits
from tui.analysis.scripts import unspaced

CLOSING = frozenset(".,;:!?%)]}…’”»")
"""What stands right after a word."""


@dataclass(frozen=True)
class Sentence:
    """A sentence under one condition."""

    text: str
    numbers: list[int]
    """The number of each region."""
    regions: list[str]
    starts: list[int | None]
    """Where each region begins in the text; None for an empty one."""

    def surprisals(self, tokens: Sequence[TextToken]) -> list[float | None]:
        """Bits of each region: 0 for an empty one, None where no piece of it has a figure."""
        sums: list[float | None] = [0.0 if start is None else None for start in self.starts]
        for token in tokens:
            if token.logprob is not None:
                number = self.region(token.start)
                sums[number] = (sums[number] or 0.0) + bits(-token.logprob)
        return sums

    def region(self, start: int) -> int:
        """The index of the region that a piece belongs to, by where it starts in the text."""
        filled = [number for number, begin in enumerate(self.starts) if begin is not None]
        begins = [self.starts[number] or 0 for number in filled]
        rest = self.text[start:]
        place = start + len(rest) - len(rest.lstrip())
        return filled[max(0, bisect_right(begins, place) - 1)]


def joined(numbers: Sequence[int], regions: Sequence[str]) -> Sentence:
    """The sentence of these regions."""
    written = ""
    starts: list[int | None] = []
    spaced = True
    for region in regions:
        own = region.strip()
        if not own:
            starts.append(None)
            spaced = spaced or bool(region)
            continue
        if written and (spaced or region[0].isspace() or _apart(written, own)):
            written += " "
        starts.append(len(written))
        written += own
        spaced = region[-1].isspace()
    return Sentence(written, list(numbers), list(regions), starts)


def _apart(before: str, after: str) -> bool:
    """Whether a space belongs between two regions that have none of their own."""
    return after[0] not in CLOSING and not unspaced(before[-1]) and not unspaced(after[0])
