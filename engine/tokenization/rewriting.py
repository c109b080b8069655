"""Changes to a text before tokenization, and the mapping back to positions in the original."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import refusal
from engine.messages import MASK

ANCHOR = "\x00"
"""Put before a text so that the space which some tokenizers add does not affect it."""


@dataclass(frozen=True)
class Rewritten:
    """A text made from another. `origin[i]` is the position of its i-th character in the other,
    with one more entry for the end; None: all positions are the same."""

    text: str
    origin: Sequence[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Positions in the original text; part of an expanded character maps to all of it."""
        if self.origin is None:
            return start, end
        if start == end:
            return self.origin[start], self.origin[start]
        last = end
        while last < len(self.origin) - 1 and self.origin[last] == self.origin[end - 1]:
            last += 1
        return self.origin[start], self.origin[last]

    def part(self, start: int, end: int) -> Rewritten:
        """A part of the text, with its positions in the original."""
        origin = range(len(self.text) + 1) if self.origin is None else self.origin
        return Rewritten(self.text[start:end], origin[start : end + 1])

    def within(self, first: str, last: str) -> Rewritten:
        """The text inside its frame if it has one; else the text itself."""
        text = self.text.strip()
        if not (text.startswith(first) and text.removeprefix(first).endswith(last)):
            return self
        inner = text.removeprefix(first).removesuffix(last)
        start = self.text.index(first) + len(first) + len(inner) - len(inner.lstrip())
        return self.part(start, start + len(inner.strip()))

    def anchored(self) -> Rewritten:
        """The text with `ANCHOR` before it."""
        origin = range(len(self.text) + 1) if self.origin is None else self.origin
        return Rewritten(ANCHOR + self.text, [origin[0], *origin])


def checked(text: str) -> str:
    """Return the text itself, if it can be encoded in UTF-8.

    Raises:
        EngineError: ``bad_request`` for half of a surrogate pair.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise refusal("bad_request", "surrogate", character=error.start + 1) from error
    return text


def lowered(text: str) -> Rewritten:
    """The text in lower case; one letter may become two."""
    lower = text.lower()
    if len(lower) == len(text):
        return Rewritten(lower)
    origin: list[int] = []
    for position, character in enumerate(text):
        origin += [position] * len(character.lower())
    return Rewritten(lower, [*origin, len(text)])


def with_mask(text: str, mask: str) -> Rewritten:
    """The text with each `[MASK]` written as the model writes it."""
    if mask == MASK or MASK not in text:
        return Rewritten(text)
    parts = text.split(MASK)
    origin: list[int] = []
    position = 0
    for number, part in enumerate(parts):
        if number:
            origin += [position] * len(mask)
            position += len(MASK)
        origin += range(position, position + len(part))
        position += len(part)
    return Rewritten(mask.join(parts), [*origin, len(text)])
