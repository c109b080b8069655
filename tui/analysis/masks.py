"""Masks in a text that is being written, and the words they hide. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from engine.messages import MASK
from tui.analysis.scripts import JAPANESE, RUN

Hidden = tuple[str | None, ...]
"""For the masks in order, the word that each one hides, None where there is none."""

_LETTERS: Final = rf"(?:(?![{JAPANESE}_])\w)+"
_WORD: Final = re.compile(rf"{RUN}|{_LETTERS}(?:['’]{_LETTERS})*")


@dataclass(frozen=True)
class Edit:
    """A replacement in a text, and what the masks hide afterwards."""

    start: int
    end: int
    new: str
    hidden: Hidden


def masks(text: str) -> list[int]:
    """Where the masks begin."""
    return [match.start() for match in re.finditer(re.escape(MASK), text)]


def carry(hidden: Hidden, old: str, new: str) -> Hidden:
    """What the masks of an edited text hide: those outside the edited part keep their words."""
    if old == new:
        return _fit(hidden, len(masks(new)))
    before, after = masks(old), masks(new)
    known = _fit(hidden, len(before))
    prefix = _common(old, new)
    suffix = min(_common(old[::-1], new[::-1]), min(len(old), len(new)) - prefix)
    carried: list[str | None] = []
    for number, start in enumerate(after):
        from_end = number - len(after)
        if start + len(MASK) <= prefix:
            carried.append(known[number])
        elif start >= len(new) - suffix and -from_end <= len(known):
            carried.append(known[from_end])
        else:
            carried.append(None)
    return tuple(carried)


def toggle(text: str, at: int, end: int, hidden: Hidden) -> Edit | None:
    """Mask what lies at an offset, or show again what the mask there hides.

    `at` to `end` is the selection; when it is empty, the word around it counts. None where there
    is neither word nor mask, or where a mask hides nothing that is known.
    """
    known = _fit(hidden, len(masks(text)))
    for number, start in enumerate(masks(text)):
        if start <= at <= start + len(MASK) and end <= start + len(MASK):
            word = known[number]
            if word is None:
                return None
            rest = known[:number] + known[number + 1 :]
            return Edit(start, start + len(MASK), word, rest)
    span = (at, end) if end > at else _word(text, at)
    if span is None or MASK in text[slice(*span)]:
        return None
    number = sum(start < span[0] for start in masks(text))
    word = text[slice(*span)]
    return Edit(*span, MASK, (*known[:number], word, *known[number:]))


def _word(text: str, at: int) -> tuple[int, int] | None:
    """The word around an offset, or the one that ends there."""
    for match in _WORD.finditer(text):
        if match.start() <= at < match.end():
            return match.span()
    for match in _WORD.finditer(text):
        if match.end() == at:
            return match.span()
    return None


def _fit(hidden: Hidden, count: int) -> Hidden:
    return (*hidden, *([None] * count))[:count]


def _common(one: str, other: str) -> int:
    """The length of the common beginning."""
    shared = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        shared += 1
    return shared
